# The copy of the database, with a key of its own region
resource "aws_kms_key" "replica" {
  provider                = aws.us_east_1
  description             = "the copy of my-app-db"
  deletion_window_in_days = 7
}
resource "aws_db_instance" "replica" {
  provider            = aws.us_east_1
  identifier          = "my-app-db-replica"
  replicate_source_db = aws_db_instance.main.arn
  instance_class      = "db.t3.micro"
  storage_encrypted   = true
  kms_key_id          = aws_kms_key.replica.arn
  skip_final_snapshot = true
}
# What clients log in with, in both regions
resource "aws_secretsmanager_secret" "db" {
  name                    = "my-app/db"
  recovery_window_in_days = 0
  replica { region = "us-east-1" }
}
resource "aws_secretsmanager_secret_version" "db" {
  secret_id = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({
    host     = aws_db_instance.main.address
    port     = aws_db_instance.main.port
    username = "appadmin"
    password = "s3cr3t-passw0rd"
  })
}
# The public name, which follows the health of the first region
resource "aws_route53_zone" "z" { name = "my-app.test" }
resource "aws_route53_health_check" "primary" {
  fqdn              = "primary.my-app.test"
  port              = var.application_port
  type              = "HTTP"
  resource_path     = "/healthz"
  failure_threshold = 2
  request_interval  = 10
}
resource "aws_route53_record" "primary" {
  zone_id = aws_route53_zone.z.zone_id
  name    = "primary.my-app.test"
  type    = "A"
  ttl     = 5
  records = ["127.0.0.1"]
}
resource "aws_route53_record" "p" {
  zone_id         = aws_route53_zone.z.zone_id
  name            = "app.my-app.test"
  type            = "A"
  ttl             = 5
  records         = ["127.0.0.11"]
  set_identifier  = "primary"
  health_check_id = aws_route53_health_check.primary.id
  failover_routing_policy { type = "PRIMARY" }
}
resource "aws_route53_record" "s" {
  zone_id        = aws_route53_zone.z.zone_id
  name           = "app.my-app.test"
  type           = "A"
  ttl            = 5
  records        = ["127.0.0.12"]
  set_identifier = "secondary"
  failover_routing_policy { type = "SECONDARY" }
}
variable "application_port" { type = number }
# Who is told when the copy falls behind
resource "aws_cloudwatch_metric_alarm" "lag" {
  provider            = aws.us_east_1
  alarm_name          = "replica-lag"
  namespace           = "AWS/RDS"
  metric_name         = "ReplicaLag"
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60
  period              = 60
  evaluation_periods  = 2
  dimensions          = { DBInstanceIdentifier = aws_db_instance.replica.identifier }
}
