import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ECS } from '@aws-sdk/client-ecs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import {
  AWS_IS_REQUIRED,
  hasTerraform,
  providerFor,
  Terraform,
  withoutTerraform,
} from '../clients/terraform.ts'
import { HERE, secretsInTwoRegions, THERE } from '../secretsmanager/secrets-in-two-regions.ts'
import { IMAGES } from './ecs-under-test.ts'

const SERVICES = ['ecs', 'iam', 'secretsmanager']
const services = `
resource "aws_ecs_cluster" "shop" {
  name = "tf"
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
  tags = { team = "shop" }
}

resource "aws_iam_role" "task" {
  name = "tf-task"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "task" {
  role       = aws_iam_role.task.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "secret" {
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.db.arn }]
  })
}

resource "aws_secretsmanager_secret" "db" {
  name                    = "tf/db"
  recovery_window_in_days = 0
  replica {
    region = "us-east-1"
  }
}

resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ password = "pass" })
}

resource "aws_ecs_task_definition" "fargate" {
  family                   = "tf-fargate"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.task.arn
  container_definitions = jsonencode([{
    name         = "web"
    image        = "local"
    essential    = true
    command      = ["/bin/sh", "-c", "exec sleep 1000"]
    portMappings = [{ containerPort = 8080 }]
    environment  = [{ name = "MODE", value = "one" }, { name = "A", value = "b" }]
    secrets      = [{ name = "PASSWORD", valueFrom = "\${aws_secretsmanager_secret.db.arn}:password::" }]
    logConfiguration = {
      logDriver = "awslogs"
      options   = { "awslogs-group" = "/ecs/tf", "awslogs-region" = "ap-southeast-1", "awslogs-stream-prefix" = "web" }
    }
  }])
}

resource "aws_ecs_task_definition" "ec2" {
  family                = "tf-ec2"
  container_definitions = jsonencode([{ name = "main", image = "waiting", memory = 64 }])
}

resource "aws_ecs_service" "fargate" {
  name            = "web"
  cluster         = aws_ecs_cluster.shop.id
  task_definition = aws_ecs_task_definition.fargate.arn
  desired_count   = 2
  launch_type     = "FARGATE"
  wait_for_steady_state = true
  network_configuration {
    subnets         = ["subnet-12345678"]
    security_groups = ["sg-12345678"]
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  depends_on = [aws_iam_role_policy.secret, aws_secretsmanager_secret_version.db]
}

resource "aws_ecs_service" "ec2" {
  name            = "worker"
  cluster         = aws_ecs_cluster.shop.id
  task_definition = aws_ecs_task_definition.ec2.arn
  desired_count   = 1
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  propagate_tags  = "SERVICE"
  tags            = { team = "shop" }
}
`

export function ecsByTerraform(): void {
  describe.skipIf(!hasTerraform)(
    `ECS and a replicated secret by Terraform${withoutTerraform}`,
    () => {
      const world = secretsInTwoRegions()
      const ecs = () => new ECS(world.client(HERE))
      let terraform: Terraform

      beforeAll(async () => {
        const images = join(world.home().folder, 'images.json')
        await writeFile(images, JSON.stringify(IMAGES), { mode: 0o600 })
        const { endpoint, credentials } = world.client(HERE)
        const provider = providerFor({ region: HERE, endpoint, services: SERVICES })
        terraform = await Terraform.of(`${AWS_IS_REQUIRED}${provider}${services}`, credentials)
      })
      afterAll(async () => {
        await terraform?.close()
      })

      test('is applied and runs, plans nothing more, and is destroyed', async () => {
        await terraform.run('apply', '-auto-approve')
        expect(await terraform.run('plan', '-detailed-exitcode')).toContain('No changes.')
        const described = async (name: string) => {
          const at = { cluster: 'tf', services: [name] }
          return (await ecs().describeServices(at)).services![0]!
        }
        expect(await described('web')).toMatchObject({ runningCount: 2, launchType: 'FARGATE' })
        expect(await world.value(THERE, 'tf/db')).toBe('{"password":"pass"}')
        await terraform.run('destroy', '-auto-approve')
        expect((await ecs().listClusters({})).clusterArns).toEqual([])
        await until(
          'the replica is gone',
          60_000,
          async () => !(await world.isThere(THERE, 'tf/db')),
        )
        expect((await ecs().listTaskDefinitions({})).taskDefinitionArns).toEqual([])
      }, 600_000)
    },
  )
}
