import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBInstanceCommand,
  type CreateDBInstanceMessage,
  CreateDBParameterGroupCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBParameterGroupCommand,
  RDSClient,
  RestoreDBInstanceToPointInTimeCommand,
  type RestoreDBInstanceToPointInTimeMessage,
} from '@aws-sdk/client-rds'
import { RegionHome } from '../../src/region/region-home.ts'
import { quietBackupWindow } from '../harness/quiet-backup-window.ts'
import type { Login } from './ledger.ts'

const REGION = 'ap-southeast-1'
const PASSWORD = 'trial-passw0rd'
const POLL_MS = 20

/** A region in processes of its own, in a new home, used from outside: over HTTP and SQL. */
export class TrialRegion {
  rds: RDSClient
  #endpoint: string

  private constructor(
    readonly folder: string,
    readonly home: RegionHome,
    private readonly unmount: () => void | Promise<void>,
    private readonly credentials: { accessKeyId: string; secretAccessKey: string },
    endpoint: string,
  ) {
    this.#endpoint = endpoint
    this.rds = new RDSClient(this.client)
  }

  /** `mount` may put the home on a disk of its own; it returns what takes it away again. */
  static async start(
    name: string,
    { mount = () => () => {} }: { mount?: (home: string) => () => void | Promise<void> } = {},
  ): Promise<TrialRegion> {
    const folder = await mkdtemp(join(tmpdir(), `lifeboat-trial-${name}-`))
    await chmod(folder, 0o711)
    const unmount = mount(join(folder, 'home'))
    const home = new RegionHome(join(folder, 'home'))
    const { endpoint } = await home.start([REGION], { port: 0, detach: true })
    const environment = await home.environment()
    const credentials = {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    }
    return new TrialRegion(folder, home, unmount, credentials, endpoint)
  }

  /** What an SDK client needs to reach the region; one attempt, so that a trial sees every answer. */
  get client() {
    const { credentials } = this
    return { region: REGION, endpoint: this.#endpoint, credentials, maxAttempts: 1 }
  }

  /** The leader of the region's process group: its API, its databases and all they started. */
  async processGroup(): Promise<number> {
    const { regions } = await this.home.status()
    const pid = regions[0]?.pid
    if (pid === undefined) throw new Error('the region does not run')
    return pid
  }

  /** `kill -9` of the whole group, which returns when none of it is left. */
  async kill(): Promise<void> {
    const group = await this.processGroup()
    process.kill(-group, 'SIGKILL')
    await until('the killed group is gone', 60_000, async () => membersOf(group).length === 0)
  }

  /** As an operator does after a crash: `lifeboat region start`. Nothing happens when it runs. */
  async startAgain(): Promise<void> {
    const { endpoint } = await this.home.start([REGION], { port: 0, detach: true })
    if (endpoint === this.#endpoint) return
    this.#endpoint = endpoint
    this.rds.destroy()
    this.rds = new RDSClient(this.client)
  }

  /** Stops all of it, checks that no process is left, and removes the folder. */
  async end(): Promise<void> {
    this.rds.destroy()
    await this.home.stop()
    await until('every process has ended', 60_000, async () => this.processes().length === 0)
    await this.unmount()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Every process that was started for this region or works in its folder, by its command line. */
  processes(): string[] {
    const isOurs = (pid: number) =>
      readProc(pid, 'cmdline').includes(this.folder) || workingFolder(pid).startsWith(this.folder)
    return pids()
      .filter(isOurs)
      .map((pid) => readProc(pid, 'cmdline').replaceAll('\0', ' '))
  }

  /** Creates an instance and waits until it is available and has a backup. */
  async create(identifier: string, more: Partial<CreateDBInstanceMessage> = {}): Promise<void> {
    await this.rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        DBInstanceClass: 'db.t3.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        DBName: 'shop',
        MasterUsername: 'shop',
        MasterUserPassword: PASSWORD,
        BackupRetentionPeriod: 7,
        PreferredBackupWindow: quietBackupWindow(),
        ...more,
      }),
    )
    await this.untilAvailable(identifier)
    await until(
      `'${identifier}' is restorable`,
      60_000,
      async () => (await this.describe(identifier))?.LatestRestorableTime !== undefined,
    )
  }

  /** A parameter group that makes PostgreSQL remember when each transaction was committed. */
  async rememberCommitTimes(group: string): Promise<void> {
    await this.rds.send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName: group,
        DBParameterGroupFamily: 'postgres18',
        Description: 'remembers when each row was committed',
      }),
    )
    await this.rds.send(
      new ModifyDBParameterGroupCommand({
        DBParameterGroupName: group,
        Parameters: [
          {
            ParameterName: 'track_commit_timestamp',
            ParameterValue: '1',
            ApplyMethod: 'pending-reboot',
          },
        ],
      }),
    )
  }

  async describe(identifier: string): Promise<DBInstance | undefined> {
    return (await this.instances()).find((one) => one.DBInstanceIdentifier === identifier)
  }

  async instances(): Promise<DBInstance[]> {
    const { DBInstances = [] } = await this.rds.send(new DescribeDBInstancesCommand({}))
    return DBInstances
  }

  /** Begins a restore of `source` as `target`; see `untilAvailable`. */
  async restore(
    source: string,
    target: string,
    more: Partial<RestoreDBInstanceToPointInTimeMessage>,
  ): Promise<void> {
    await this.rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: source,
        TargetDBInstanceIdentifier: target,
        ...more,
      }),
    )
  }

  async untilAvailable(identifier: string, deadlineMs = 60_000): Promise<DBInstance> {
    let found: DBInstance | undefined
    await until(`'${identifier}' is available`, deadlineMs, async () => {
      found = await this.describe(identifier)
      if (/failed|incompatible/.test(found?.DBInstanceStatus ?? '')) {
        throw new Error(`'${identifier}' is ${found?.DBInstanceStatus}`)
      }
      return found?.DBInstanceStatus === 'available'
    })
    return found!
  }

  /** Waits until a moment can be restored to. */
  async untilRestorable(identifier: string, time: Date, deadlineMs = 60_000): Promise<void> {
    await until(`'${identifier}' is restorable to ${time.toISOString()}`, deadlineMs, async () => {
      const latest = (await this.describe(identifier))?.LatestRestorableTime
      return latest !== undefined && latest >= time
    })
  }

  /** Where an instance keeps its data; to be looked at while it does not run. */
  async dataDirectoryOf(identifier: string): Promise<string> {
    const { DbiResourceId } = (await this.describe(identifier)) ?? {}
    const folder = join(this.folder, 'home', 'regions', REGION)
    const all = await readdir(folder, { recursive: true, withFileTypes: true })
    const found = all.find(
      ({ name, parentPath }) =>
        name === 'PG_VERSION' && parentPath.toLowerCase().includes(DbiResourceId!.toLowerCase()),
    )
    if (!found) throw new Error(`'${identifier}' has no data directory`)
    return found.parentPath
  }

  /** The binaries of PostgreSQL that the region uses. */
  get binaries(): string {
    return join(this.folder, 'home', 'postgresql')
  }

  async delete(identifier: string): Promise<void> {
    await this.rds.send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: true }),
    )
    await until(`'${identifier}' is gone`, 60_000, async () => !(await this.describe(identifier)))
  }

  /** Where and as whom the master user connects. */
  async login(identifier: string): Promise<Login> {
    const { Endpoint } = (await this.describe(identifier)) ?? {}
    return {
      host: Endpoint?.Address ?? '',
      port: Endpoint?.Port ?? 0,
      user: 'shop',
      password: PASSWORD,
      database: 'shop',
    }
  }
}

export async function until(
  what: string | (() => string),
  deadlineMs: number,
  isTrue: () => Promise<boolean>,
): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!(await isTrue())) {
    if (Date.now() > end) {
      const awaited = typeof what === 'string' ? what : what()
      throw new Error(`waited ${deadlineMs} ms in vain until ${awaited}`)
    }
    await sleep(POLL_MS)
  }
}

/** Processes of a group that are more than remains. Source: proc(5), fields 3 (state) and 5 (pgrp) of `stat`. */
function membersOf(group: number): number[] {
  return pids().filter((pid) => {
    const stat = readProc(pid, 'stat')
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state !== 'Z' && Number(pgrp) === group
  })
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

function readProc(pid: number, name: string): string {
  return unlessEnded(() => readFileSync(`/proc/${pid}/${name}`, 'utf8'))
}

function workingFolder(pid: number): string {
  return unlessEnded(() => readlinkSync(`/proc/${pid}/cwd`))
}

/** Empty when the process has ended meanwhile, or is none of ours. */
function unlessEnded(read: () => string): string {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return ''
    throw error
  }
}
