#!/usr/bin/env bash
# The stack of README.md by plain aws CLI commands: stack.sh up | down
set -euo pipefail

HERE=ap-southeast-1
THERE=us-east-1
PORT=${STACK_PORT:-8080}
IMAGE=${STACK_IMAGE:-web}
SOURCE=two-regions-$HERE
COPY=two-regions-$THERE

# For RDS in us-east-1 the aws CLI (1.45) takes no notice of AWS_ENDPOINT_URL and calls AWS; it does of its option.
aws() { command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"; }
here() { aws --region "$HERE" "$@"; }
there() { aws --region "$THERE" "$@"; }

# What there is none of is no failure when it is taken down.
unless_absent() {
  local said
  said=$("$@" 2>&1 >/dev/null) || grep -qE 'NotFound|NoSuch|does not exist|NotActive' <<<"$said" || {
    echo "$said" >&2
    return 1
  }
}

role() { # name, service, policy
  here iam create-role --role-name "$1" --output text --query Role.Arn --assume-role-policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"'"$2"'"}}]}'
  here iam put-role-policy --role-name "$1" --policy-name own --policy-document "$3"
}

buckets_up() {
  here s3api create-bucket --bucket "$SOURCE" --create-bucket-configuration LocationConstraint="$HERE"
  there s3api create-bucket --bucket "$COPY"
  here s3api put-bucket-versioning --bucket "$SOURCE" --versioning-configuration Status=Enabled
  there s3api put-bucket-versioning --bucket "$COPY" --versioning-configuration Status=Enabled
  local arn
  arn=$(role two-regions-replication s3.amazonaws.com '{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:ListBucket"],"Resource":"arn:aws:s3:::'"$SOURCE"'"},
    {"Effect":"Allow","Action":["s3:GetObjectVersionForReplication","s3:GetObjectVersionAcl","s3:GetObjectVersionTagging"],"Resource":"arn:aws:s3:::'"$SOURCE"'/*"},
    {"Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateDelete","s3:ReplicateTags"],"Resource":"arn:aws:s3:::'"$COPY"'/*"}]}')
  here s3api put-bucket-replication --bucket "$SOURCE" --replication-configuration '{"Role":"'"$arn"'","Rules":[
    {"ID":"all","Status":"Enabled","Priority":1,"Filter":{},"DeleteMarkerReplication":{"Status":"Enabled"},
     "Destination":{"Bucket":"arn:aws:s3:::'"$COPY"'"}}]}'
}

database_up() {
  here rds create-db-instance --db-instance-identifier two-regions-db --db-instance-class db.t3.micro \
    --engine postgres --allocated-storage 20 --db-name appdb --backup-retention-period 7 --storage-encrypted \
    --master-username appadmin --master-user-password s3cr3t-passw0rd
  here rds wait db-instance-available --db-instance-identifier two-regions-db
  local arn
  arn=$(here rds describe-db-instances --db-instance-identifier two-regions-db \
    --query 'DBInstances[0].DBInstanceArn' --output text)
  there rds create-db-instance-read-replica --db-instance-identifier two-regions-db-replica \
    --source-db-instance-identifier "$arn" --source-region "$HERE" --db-instance-class db.t3.micro \
    --kms-key-id alias/aws/rds
  there rds wait db-instance-available --db-instance-identifier two-regions-db-replica
}

secret_up() {
  local at
  at=$(here rds describe-db-instances --db-instance-identifier two-regions-db --output json --query \
    'DBInstances[0].{host:Endpoint.Address,port:Endpoint.Port,dbname:DBName,username:MasterUsername,password:`"s3cr3t-passw0rd"`}')
  here secretsmanager create-secret --name two-regions/db --secret-string "$at" \
    --add-replica-regions Region="$THERE"
  until [ "$(here secretsmanager describe-secret --secret-id two-regions/db \
    --query 'ReplicationStatus[0].Status' --output text)" = InSync ]; do sleep 0.2; done
}

service_up() { # region, how many tasks, ARN of the role
  local secret
  secret=$(aws --region "$1" secretsmanager describe-secret --secret-id two-regions/db --query ARN --output text)
  aws --region "$1" ecs create-cluster --cluster-name two-regions
  aws --region "$1" ecs register-task-definition --family two-regions-web --execution-role-arn "$3" \
    --container-definitions '[{"name":"web","image":"'"$IMAGE"'","memory":64,"essential":true,
      "secrets":[{"name":"DATABASE","valueFrom":"'"$secret"'"}]}]'
  aws --region "$1" ecs create-service --cluster two-regions --service-name web \
    --task-definition two-regions-web --desired-count "$2"
  aws --region "$1" ecs wait services-stable --cluster two-regions --services web
}

services_up() {
  local arn
  arn=$(role two-regions-tasks ecs-tasks.amazonaws.com '{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:*:*:secret:two-regions/db-*"}]}')
  service_up "$HERE" 1 "$arn"
  service_up "$THERE" 0 "$arn"
}

names_up() {
  local zone check change
  zone=$(aws route53 create-hosted-zone --name two-regions.test --caller-reference "$(date +%s%N)" \
    --query HostedZone.Id --output text)
  check=$(aws route53 create-health-check --caller-reference "$(date +%s%N)" --query HealthCheck.Id --output text \
    --health-check-config '{"Type":"HTTP","FullyQualifiedDomainName":"primary.two-regions.test","Port":'"$PORT"',
      "ResourcePath":"/health","RequestInterval":10,"FailureThreshold":2}')
  change=$(aws route53 change-resource-record-sets --hosted-zone-id "$zone" --query ChangeInfo.Id --output text \
    --change-batch '{"Changes":[
      {"Action":"CREATE","ResourceRecordSet":{"Name":"primary.two-regions.test","Type":"A","TTL":5,
        "ResourceRecords":[{"Value":"127.0.0.1"}]}},
      {"Action":"CREATE","ResourceRecordSet":{"Name":"app.two-regions.test","Type":"A","TTL":5,"SetIdentifier":"primary",
        "Failover":"PRIMARY","HealthCheckId":"'"$check"'","ResourceRecords":[{"Value":"127.0.0.11"}]}},
      {"Action":"CREATE","ResourceRecordSet":{"Name":"app.two-regions.test","Type":"A","TTL":5,"SetIdentifier":"secondary",
        "Failover":"SECONDARY","ResourceRecords":[{"Value":"127.0.0.12"}]}}]}')
  aws route53 wait resource-record-sets-changed --id "$change"
}

alarm_up() {
  local topic
  topic=$(there sns create-topic --name two-regions-alarms --query TopicArn --output text)
  there cloudwatch put-metric-alarm --alarm-name two-regions-lag --namespace AWS/RDS --metric-name ReplicaLag \
    --dimensions Name=DBInstanceIdentifier,Value=two-regions-db-replica --statistic Maximum --period 60 \
    --evaluation-periods 2 --threshold 60 --comparison-operator GreaterThanThreshold --alarm-actions "$topic"
}

up() {
  buckets_up
  database_up
  secret_up
  services_up
  names_up
  alarm_up
}

alarm_down() {
  unless_absent there cloudwatch delete-alarms --alarm-names two-regions-lag
  local topic
  for topic in $(there sns list-topics --output text --query 'Topics[].TopicArn'); do
    case $topic in *:two-regions-alarms) there sns delete-topic --topic-arn "$topic" ;; esac
  done
}

names_down() {
  local zone check records
  zone=$(aws route53 list-hosted-zones --output text --query "HostedZones[?Name=='two-regions.test.'].Id")
  if [ -z "$zone" ]; then return; fi
  records=$(aws route53 list-resource-record-sets --hosted-zone-id "$zone" --output json --query \
    "{Changes: ResourceRecordSets[?Type=='A'].{Action: 'DELETE', ResourceRecordSet: @}}")
  check=$(aws route53 list-resource-record-sets --hosted-zone-id "$zone" --output text --query \
    'ResourceRecordSets[?HealthCheckId].HealthCheckId')
  if grep -q DELETE <<<"$records"; then
    aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch "$records"
  fi
  if [ -n "$check" ]; then aws route53 delete-health-check --health-check-id "$check"; fi
  aws route53 delete-hosted-zone --id "$zone"
}

service_down() { # region
  unless_absent aws --region "$1" ecs delete-service --cluster two-regions --service web --force
  unless_absent aws --region "$1" ecs wait services-inactive --cluster two-regions --services web
  unless_absent aws --region "$1" ecs delete-cluster --cluster two-regions
  local definition
  for definition in $(aws --region "$1" ecs list-task-definitions --family-prefix two-regions-web \
    --output text --query 'taskDefinitionArns[]'); do
    aws --region "$1" ecs deregister-task-definition --task-definition "$definition"
  done
}

role_down() { # name
  unless_absent here iam delete-role-policy --role-name "$1" --policy-name own
  unless_absent here iam delete-role --role-name "$1"
}

secret_down() {
  unless_absent here secretsmanager remove-regions-from-replication --secret-id two-regions/db \
    --remove-replica-regions "$THERE"
  unless_absent here secretsmanager delete-secret --secret-id two-regions/db --force-delete-without-recovery
}

database_down() {
  unless_absent there rds delete-db-instance --db-instance-identifier two-regions-db-replica --skip-final-snapshot
  there rds wait db-instance-deleted --db-instance-identifier two-regions-db-replica
  unless_absent here rds delete-db-instance --db-instance-identifier two-regions-db --skip-final-snapshot \
    --delete-automated-backups
  here rds wait db-instance-deleted --db-instance-identifier two-regions-db
}

buckets_down() { # objects are for their owner to delete: a bucket that holds some is refused
  unless_absent here s3api delete-bucket-replication --bucket "$SOURCE"
  unless_absent here s3api delete-bucket --bucket "$SOURCE"
  unless_absent there s3api delete-bucket --bucket "$COPY"
}

down() {
  alarm_down
  names_down
  service_down "$HERE"
  service_down "$THERE"
  role_down two-regions-tasks
  secret_down
  database_down
  buckets_down
  role_down two-regions-replication
}

case ${1:-} in
  up | down) "$1" >/dev/null ;;
  *)
    echo 'usage: stack.sh up | down' >&2
    exit 2
    ;;
esac
