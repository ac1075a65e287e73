import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import {
  AWS_IS_REQUIRED,
  hasTerraform,
  providerFor,
  Terraform,
  withoutTerraform,
} from '../clients/terraform.ts'
import { CREDENTIALS } from '../region-under-test.ts'
import { route53UnderTest } from './route53-under-test.ts'

export function route53ByTerraform(): void {
  describe.skipIf(!hasTerraform)(
    `zones, records and health checks, by Terraform${withoutTerraform}`,
    () => {
      const world = route53UnderTest()
      let terraform: Terraform
      let target: Server

      beforeAll(async () => {
        target = createServer((_, response) => response.end('all is well'))
        await new Promise<void>((listening) => target.listen(0, '127.0.0.1', listening))
        const { port } = target.address() as AddressInfo
        terraform = await Terraform.of(configuration(world.client().endpoint, port), CREDENTIALS)
      })
      afterAll(async () => {
        target.closeAllConnections()
        target.close()
        await terraform?.close()
      })

      const answers = (name: string) => world.resolver().resolve4(`${name}.my-app.test`)

      test('are applied and served, plan nothing more, are updated in place, and destroyed', async () => {
        await terraform.run('apply', '-auto-approve')
        expect(await terraform.run('plan', '-detailed-exitcode')).toContain('No changes.')
        expect(await answers('app')).toEqual(['127.0.0.11'])
        expect(await answers('alias')).toEqual(['127.0.0.11'])
        expect(await answers('anything.wild')).toEqual(['127.0.0.13'])
        expect(await answers('weighted')).toEqual(['127.0.0.21'])
        // Terraform sends the values of a set in an order of its own.
        const texts = await world.resolver().resolveTxt('text.my-app.test')
        expect(new Set(texts)).toEqual(new Set([['said "so"'], ['a'.repeat(200), 'b']]))
        expect(await world.resolver().resolveMx('my-app.test')).toEqual([
          { priority: 10, exchange: 'mail.my-app.test' },
        ])

        const inverted = ['-var', 'inverted=true'] as const
        expect(await terraform.run('apply', '-auto-approve', ...inverted)).toContain(
          '0 added, 1 changed, 0 destroyed',
        )
        expect(await terraform.run('plan', '-detailed-exitcode', ...inverted)).toContain(
          'No changes.',
        )
        await until('the secondary answers', 60_000, async () => {
          return (await answers('app')).join() === '127.0.0.12'
        })
        expect(await answers('alias')).toEqual(['127.0.0.12'])

        await terraform.run('destroy', '-auto-approve', ...inverted)
        expect((await world.api().listHostedZones()).HostedZones).toEqual([])
        expect((await world.api().listHealthChecks()).HealthChecks).toEqual([])
        await expect(answers('app')).rejects.toMatchObject({ code: 'EREFUSED' })
      }, 600_000)
    },
  )
}

function configuration(endpoint: string, targetPort: number): string {
  return `${AWS_IS_REQUIRED}${providerFor({ region: 'ap-southeast-1', endpoint, services: ['route53'] })}
variable "inverted" {
  type    = bool
  default = false
}
resource "aws_route53_zone" "app" {
  name    = "my-app.test"
  comment = "what the application is reached by"
  tags    = { stage = "test" }
}
data "aws_route53_zone" "app" {
  name       = "my-app.test."
  depends_on = [aws_route53_zone.app]
}
resource "aws_route53_health_check" "primary" {
  type               = "HTTP_STR_MATCH"
  ip_address         = "127.0.0.1"
  fqdn               = "primary.my-app.test"
  port               = ${targetPort}
  resource_path      = "/healthz"
  search_string      = "all is well"
  failure_threshold  = 2
  request_interval   = 10
  invert_healthcheck = var.inverted
  tags               = { Name = "primary" }
}
resource "aws_route53_health_check" "both" {
  type                   = "CALCULATED"
  child_health_threshold = 2
  child_healthchecks = [
    aws_route53_health_check.primary.id,
    aws_route53_health_check.alarm.id,
  ]
}
resource "aws_route53_health_check" "alarm" {
  type                            = "CLOUDWATCH_METRIC"
  cloudwatch_alarm_name           = "replica-lag"
  cloudwatch_alarm_region         = "us-east-1"
  insufficient_data_health_status = "Healthy"
}
resource "aws_route53_health_check" "port" {
  type              = "TCP"
  ip_address        = "127.0.0.1"
  port              = ${targetPort}
  failure_threshold = 3
  request_interval  = 30
  regions           = ["us-east-1", "eu-west-1", "ap-southeast-1"]
  disabled          = true
}
resource "aws_route53_record" "primary" {
  zone_id         = data.aws_route53_zone.app.zone_id
  name            = "app"
  type            = "A"
  ttl             = 5
  records         = ["127.0.0.11"]
  set_identifier  = "primary"
  health_check_id = aws_route53_health_check.primary.id
  failover_routing_policy { type = "PRIMARY" }
}
resource "aws_route53_record" "secondary" {
  zone_id        = aws_route53_zone.app.zone_id
  name           = "app.my-app.test"
  type           = "A"
  ttl            = 5
  records        = ["127.0.0.12"]
  set_identifier = "secondary"
  failover_routing_policy { type = "SECONDARY" }
}
resource "aws_route53_record" "alias" {
  zone_id = aws_route53_zone.app.zone_id
  name    = "alias.my-app.test"
  type    = "A"
  alias {
    name                   = "app.my-app.test"
    zone_id                = aws_route53_zone.app.zone_id
    evaluate_target_health = true
  }
  depends_on = [aws_route53_record.primary, aws_route53_record.secondary]
}
resource "aws_route53_record" "wildcard" {
  zone_id = aws_route53_zone.app.zone_id
  name    = "*.wild.my-app.test"
  type    = "A"
  ttl     = 60
  records = ["127.0.0.13"]
}
resource "aws_route53_record" "weighted" {
  for_each        = { "127.0.0.21" = 1, "127.0.0.22" = 0 }
  zone_id         = aws_route53_zone.app.zone_id
  name            = "weighted.my-app.test"
  type            = "A"
  ttl             = 60
  records         = [each.key]
  set_identifier  = each.key
  health_check_id = aws_route53_health_check.both.id
  weighted_routing_policy { weight = each.value }
}
resource "aws_route53_record" "text" {
  zone_id = aws_route53_zone.app.zone_id
  name    = "text.my-app.test"
  type    = "TXT"
  ttl     = 60
  records = ["said \\\\\\"so\\\\\\"", "${'a'.repeat(200)}\\"\\"b"]
}
resource "aws_route53_record" "mail" {
  zone_id = aws_route53_zone.app.zone_id
  name    = "my-app.test"
  type    = "MX"
  ttl     = 60
  records = ["10 mail.my-app.test"]
}
`
}
