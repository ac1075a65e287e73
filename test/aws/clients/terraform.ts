import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { outputOf, runs } from './program.ts'

/** A mirror of the provider, as nothing is downloaded here. */
export const PLUGINS = process.env.TF_PLUGIN_DIR ?? '/opt/tf-plugins'
export const hasTerraform = runs('terraform', ['version']) && existsSync(PLUGINS)
export const withoutTerraform = hasTerraform ? '' : ' (skipped: needs terraform)'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * Terraform with one provider for AWS that stays: each of its commands would begin a new one two or three times, which takes
 * longer than all that it asks for.
 *
 * Such a provider knows one configuration only, so that a configuration with several regions runs without it.
 */
export class Terraform {
  private constructor(
    private readonly folder: string,
    private readonly environment: Record<string, string>,
    private readonly provider: ChildProcess,
  ) {}

  /** @param configuration  with the blocks `terraform` and `provider` */
  static async of(configuration: string, credentials: Credentials): Promise<Terraform> {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-terraform-'))
    await writeFile(join(folder, 'main.tf'), configuration)
    const environment = {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      CHECKPOINT_DISABLE: '1',
      TMPDIR: folder,
    }
    const { PATH = '', HOME = '' } = process.env
    const provider = spawn(await providerProgram(), ['-debug'], {
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const TF_REATTACH_PROVIDERS = await addressOf(provider)
    const terraform = new Terraform(folder, { ...environment, TF_REATTACH_PROVIDERS }, provider)
    await terraform.run('init', `-plugin-dir=${PLUGINS}`)
    return terraform
  }

  run(verb: string, ...options: string[]): Promise<string> {
    const args = [`-chdir=${this.folder}`, verb, '-no-color', ...options]
    return outputOf('terraform', args, this.environment)
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.provider.once('close', resolve))
    this.provider.kill('SIGKILL')
    await ended
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** What a configuration begins with. */
export const AWS_IS_REQUIRED = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
`

/** A provider whose services are in an embedded region. @param more  further lines of it */
export function providerFor(o: {
  region: string
  endpoint: string
  services: readonly string[]
  more?: readonly string[]
}): string {
  const lines = [
    `region = "${o.region}"`,
    'skip_credentials_validation = true',
    'skip_metadata_api_check = true',
    'skip_requesting_account_id = true',
    ...(o.more ?? []),
    `endpoints {\n${o.services.map((service) => `    ${service} = "${o.endpoint}"`).join('\n')}\n  }`,
  ]
  return `provider "aws" {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`
}

async function providerProgram(): Promise<string> {
  const names = await readdir(PLUGINS, { recursive: true })
  const program = names.find((name) => /\/terraform-provider-aws_[^/]+$/.test(name))
  if (!program) throw new Error(`there is no provider for AWS in ${PLUGINS}`)
  return join(PLUGINS, program)
}

/** What the provider says of where it listens. What it says later is read as well: a closed pipe would end it. */
function addressOf(provider: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    provider.stdout!.on('data', (piece) => {
      said += piece
      const address = /TF_REATTACH_PROVIDERS='(.*)'/.exec(said)?.[1]
      if (address) resolve(address)
    })
    provider.once('close', () => reject(new Error(`the provider for AWS ended: ${said}`)))
  })
}
