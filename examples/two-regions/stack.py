#!/usr/bin/env python3
"""The stack of README.md by boto3: stack.py up | down"""
import json
import os
import sys
import time
import uuid

import boto3
from botocore.exceptions import ClientError

HERE, THERE = 'ap-southeast-1', 'us-east-1'
PORT = int(os.environ.get('STACK_PORT', '8080'))
IMAGE = os.environ.get('STACK_IMAGE', 'web')
SOURCE, COPY = f'two-regions-{HERE}', f'two-regions-{THERE}'
FAMILY, SECRET, ZONE = 'two-regions-web', 'two-regions/db', 'two-regions.test'
ABSENT = ('NotFound', 'NoSuch', 'NotActive')


def client(service, region=HERE):
    return boto3.client(service, region_name=region)


def unless_absent(call, **parameters):
    """What there is none of is no failure when it is taken down."""
    try:
        call(**parameters)
    except ClientError as error:
        if not any(word in error.response['Error']['Code'] for word in ABSENT):
            raise


def wait(at, what, **parameters):
    """Asks more often than waiters do by themselves, and no more often than AWS answers."""
    waiter = {'Delay': 2, 'MaxAttempts': 900}
    at.get_waiter(what).wait(**parameters, WaiterConfig=waiter)


def document(*statements):
    return json.dumps({'Version': '2012-10-17', 'Statement': statements})


def allow(actions, resource):
    return {'Effect': 'Allow', 'Action': actions, 'Resource': resource}


def role(name, service, *statements):
    iam = client('iam')
    trust = {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': service}}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=name, PolicyName='own', PolicyDocument=document(*statements))
    return made['Role']['Arn']


def buckets_up():
    client('s3').create_bucket(Bucket=SOURCE, CreateBucketConfiguration={'LocationConstraint': HERE})
    client('s3', THERE).create_bucket(Bucket=COPY)
    for region, bucket in ((HERE, SOURCE), (THERE, COPY)):
        client('s3', region).put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    objects = 's3:GetObjectVersion'
    arn = role(
        'two-regions-replication',
        's3.amazonaws.com',
        allow(['s3:GetReplicationConfiguration', 's3:ListBucket'], f'arn:aws:s3:::{SOURCE}'),
        allow([f'{objects}ForReplication', f'{objects}Acl', f'{objects}Tagging'], f'arn:aws:s3:::{SOURCE}/*'),
        allow(['s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'], f'arn:aws:s3:::{COPY}/*'),
    )
    rule = {
        'ID': 'all',
        'Status': 'Enabled',
        'Priority': 1,
        'Filter': {},
        'DeleteMarkerReplication': {'Status': 'Enabled'},
        'Destination': {'Bucket': f'arn:aws:s3:::{COPY}'},
    }
    client('s3').put_bucket_replication(
        Bucket=SOURCE, ReplicationConfiguration={'Role': arn, 'Rules': [rule]}
    )


def database_up():
    here, there = client('rds'), client('rds', THERE)
    made = here.create_db_instance(
        DBInstanceIdentifier='two-regions-db',
        DBInstanceClass='db.t3.micro',
        Engine='postgres',
        AllocatedStorage=20,
        DBName='appdb',
        BackupRetentionPeriod=7,
        StorageEncrypted=True,
        MasterUsername='appadmin',
        MasterUserPassword='s3cr3t-passw0rd',
    )
    wait(here, 'db_instance_available', DBInstanceIdentifier='two-regions-db')
    there.create_db_instance_read_replica(
        DBInstanceIdentifier='two-regions-db-replica',
        SourceDBInstanceIdentifier=made['DBInstance']['DBInstanceArn'],
        SourceRegion=HERE,
        DBInstanceClass='db.t3.micro',
        KmsKeyId='alias/aws/rds',
    )
    wait(there, 'db_instance_available', DBInstanceIdentifier='two-regions-db-replica')


def secret_up():
    found = client('rds').describe_db_instances(DBInstanceIdentifier='two-regions-db')
    database = found['DBInstances'][0]
    content = {
        'host': database['Endpoint']['Address'],
        'port': database['Endpoint']['Port'],
        'dbname': database['DBName'],
        'username': database['MasterUsername'],
        'password': 's3cr3t-passw0rd',
    }
    secrets = client('secretsmanager')
    secrets.create_secret(
        Name=SECRET, SecretString=json.dumps(content), AddReplicaRegions=[{'Region': THERE}]
    )
    while secrets.describe_secret(SecretId=SECRET)['ReplicationStatus'][0]['Status'] != 'InSync':
        time.sleep(0.2)


def service_up(region, count, role_arn):
    ecs = client('ecs', region)
    secret = client('secretsmanager', region).describe_secret(SecretId=SECRET)['ARN']
    ecs.create_cluster(clusterName='two-regions')
    container = {
        'name': 'web',
        'image': IMAGE,
        'memory': 64,
        'essential': True,
        'secrets': [{'name': 'DATABASE', 'valueFrom': secret}],
    }
    ecs.register_task_definition(
        family=FAMILY, executionRoleArn=role_arn, containerDefinitions=[container]
    )
    ecs.create_service(
        cluster='two-regions', serviceName='web', taskDefinition=FAMILY, desiredCount=count
    )
    wait(ecs, 'services_stable', cluster='two-regions', services=['web'])


def services_up():
    secret = f'arn:aws:secretsmanager:*:*:secret:{SECRET}-*'
    arn = role(
        'two-regions-tasks', 'ecs-tasks.amazonaws.com', allow('secretsmanager:GetSecretValue', secret)
    )
    service_up(HERE, 1, arn)
    service_up(THERE, 0, arn)


def names_up():
    names = client('route53')
    zone = names.create_hosted_zone(Name=ZONE, CallerReference=str(uuid.uuid4()))['HostedZone']['Id']
    check = names.create_health_check(
        CallerReference=str(uuid.uuid4()),
        HealthCheckConfig={
            'Type': 'HTTP',
            'FullyQualifiedDomainName': f'primary.{ZONE}',
            'Port': PORT,
            'ResourcePath': '/health',
            'RequestInterval': 10,
            'FailureThreshold': 2,
        },
    )['HealthCheck']['Id']

    def record(name, value, **more):
        values = [{'Value': value}]
        made = {'Name': f'{name}.{ZONE}', 'Type': 'A', 'TTL': 5, 'ResourceRecords': values, **more}
        return {'Action': 'CREATE', 'ResourceRecordSet': made}

    primary = {'SetIdentifier': 'primary', 'Failover': 'PRIMARY', 'HealthCheckId': check}
    changes = [
        record('primary', '127.0.0.1'),
        record('app', '127.0.0.11', **primary),
        record('app', '127.0.0.12', SetIdentifier='secondary', Failover='SECONDARY'),
    ]
    change = names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={'Changes': changes})
    wait(names, 'resource_record_sets_changed', Id=change['ChangeInfo']['Id'])


def alarm_up():
    topic = client('sns', THERE).create_topic(Name='two-regions-alarms')['TopicArn']
    client('cloudwatch', THERE).put_metric_alarm(
        AlarmName='two-regions-lag',
        Namespace='AWS/RDS',
        MetricName='ReplicaLag',
        Dimensions=[{'Name': 'DBInstanceIdentifier', 'Value': 'two-regions-db-replica'}],
        Statistic='Maximum',
        Period=60,
        EvaluationPeriods=2,
        Threshold=60,
        ComparisonOperator='GreaterThanThreshold',
        AlarmActions=[topic],
    )


def up():
    buckets_up()
    database_up()
    secret_up()
    services_up()
    names_up()
    alarm_up()


def alarm_down():
    unless_absent(client('cloudwatch', THERE).delete_alarms, AlarmNames=['two-regions-lag'])
    sns = client('sns', THERE)
    for page in sns.get_paginator('list_topics').paginate():
        for topic in page['Topics']:
            if topic['TopicArn'].endswith(':two-regions-alarms'):
                sns.delete_topic(TopicArn=topic['TopicArn'])


def names_down():
    names = client('route53')
    for zone in names.list_hosted_zones()['HostedZones']:
        if zone['Name'] != f'{ZONE}.':
            continue
        listed = names.list_resource_record_sets(HostedZoneId=zone['Id'])['ResourceRecordSets']
        own = [one for one in listed if one['Type'] == 'A']
        changes = [{'Action': 'DELETE', 'ResourceRecordSet': one} for one in own]
        if changes:
            names.change_resource_record_sets(
                HostedZoneId=zone['Id'], ChangeBatch={'Changes': changes}
            )
        for one in own:
            if 'HealthCheckId' in one:
                names.delete_health_check(HealthCheckId=one['HealthCheckId'])
        names.delete_hosted_zone(Id=zone['Id'])


def service_down(region):
    ecs = client('ecs', region)
    cluster = {'cluster': 'two-regions'}
    unless_absent(ecs.delete_service, **cluster, service='web', force=True)
    unless_absent(wait, at=ecs, what='services_inactive', **cluster, services=['web'])
    unless_absent(ecs.delete_cluster, **cluster)
    for arn in ecs.list_task_definitions(familyPrefix=FAMILY)['taskDefinitionArns']:
        ecs.deregister_task_definition(taskDefinition=arn)


def role_down(name):
    iam = client('iam')
    unless_absent(iam.delete_role_policy, RoleName=name, PolicyName='own')
    unless_absent(iam.delete_role, RoleName=name)


def secret_down():
    secrets = client('secretsmanager')
    regions = {'RemoveReplicaRegions': [THERE]}
    unless_absent(secrets.remove_regions_from_replication, SecretId=SECRET, **regions)
    unless_absent(secrets.delete_secret, SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def database_down():
    for region, name in ((THERE, 'two-regions-db-replica'), (HERE, 'two-regions-db')):
        rds = client('rds', region)
        unless_absent(rds.delete_db_instance, DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        wait(rds, 'db_instance_deleted', DBInstanceIdentifier=name)


def buckets_down():
    """Objects are for their owner to delete: a bucket that holds some is refused."""
    unless_absent(client('s3').delete_bucket_replication, Bucket=SOURCE)
    unless_absent(client('s3').delete_bucket, Bucket=SOURCE)
    unless_absent(client('s3', THERE).delete_bucket, Bucket=COPY)


def down():
    alarm_down()
    names_down()
    service_down(HERE)
    service_down(THERE)
    role_down('two-regions-tasks')
    secret_down()
    database_down()
    buckets_down()
    role_down('two-regions-replication')


if __name__ == '__main__':
    verbs = {'up': up, 'down': down}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit('usage: stack.py up | down')
    verbs[sys.argv[1]]()
