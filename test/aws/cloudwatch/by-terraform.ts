import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  AWS_IS_REQUIRED,
  hasTerraform,
  providerFor,
  Terraform,
  withoutTerraform,
} from '../clients/terraform.ts'
import { CREDENTIALS, REGION, regionUnderTest } from '../region-under-test.ts'
import { HttpSink } from '../sns/http-sink.ts'

export function alarmsByTerraform(): void {
  describe.skipIf(!hasTerraform)(`alarms and topics, by Terraform${withoutTerraform}`, () => {
    const region = regionUnderTest()
    let sink: HttpSink
    let terraform: Terraform
    beforeAll(async () => {
      sink = await HttpSink.open()
      const hcl = configuration(region.endpoint(), sink.url('/tf'))
      terraform = await Terraform.of(hcl, CREDENTIALS)
    })
    afterAll(async () => {
      await terraform?.close()
      await sink.close()
    })

    test('applies alarms, a topic and its subscription, plans nothing more, and destroys them', async () => {
      expect(await terraform.run('apply', '-auto-approve')).toContain(
        '5 added, 0 changed, 0 destroyed',
      )
      expect(await terraform.run('plan', '-detailed-exitcode')).toContain('No changes.')
      const confirmation = await sink.message('/tf')
      expect(confirmation.Type).toBe('SubscriptionConfirmation')
      expect((await fetch(confirmation.SubscribeURL!)).status).toBe(200)
      const output = await terraform.run('destroy', '-auto-approve')
      expect(output).toContain('Destroy complete! Resources: 5 destroyed.')
    }, 600_000)
  })
}

function configuration(endpoint: string, url: string): string {
  return `${AWS_IS_REQUIRED}${providerFor({ region: REGION, endpoint, services: ['cloudwatch', 'sns'] })}
resource "aws_sns_topic" "alarms" {
  name         = "terraform-alarms"
  display_name = "Alarms"
  tags         = { team = "shop" }
}
resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
    }]
  })
}
resource "aws_sns_topic_subscription" "hook" {
  topic_arn     = aws_sns_topic.alarms.arn
  protocol      = "http"
  endpoint      = "${url}"
  filter_policy = jsonencode({ state = ["ALARM"] })
}
resource "aws_cloudwatch_metric_alarm" "lag" {
  alarm_name          = "replica-lag"
  alarm_description   = "the replica is late"
  namespace           = "AWS/RDS"
  metric_name         = "ReplicaLag"
  dimensions          = { DBInstanceIdentifier = "my-app-db-replica" }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 60
  comparison_operator = "GreaterThanThreshold"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { team = "shop" }
}
resource "aws_cloudwatch_composite_alarm" "all" {
  alarm_name = "all"
  alarm_rule = "ALARM(\${aws_cloudwatch_metric_alarm.lag.alarm_name})"
}
`
}
