import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entryPoint } from '../../core/entry-point.ts'
import { readWorkload, type Workload } from '../../recovery/recovery.ts'
import type { Stage } from './stage.ts'

/** An order that the recovery places itself, to see that the shop works again. */
const ORDER = {
  customerId: '1',
  items: [{ product: 'lifebelt', quantity: 1, unitPrice: '19.90' }],
}

/** The shop's own workload file, with the address at which it is open this time. */
export async function workloadOf(stage: Stage, url: string): Promise<Workload> {
  const example = entryPoint(import.meta.url, '../../../examples/shop/lifeboat.yaml')
  const http = JSON.stringify({ url: `${url}/orders`, method: 'POST', body: JSON.stringify(ORDER) })
  const file = join(stage.home.folder, 'lifeboat.yaml')
  writeFileSync(file, `${readFileSync(example, 'utf8')}http: ${http}\n`)
  return readWorkload(file)
}

/** The same of the shop in two regions. */
export async function twoRegionsWorkload(
  stage: Stage,
  { url, strategy }: { url: string; strategy: Workload['strategy'] },
): Promise<Workload> {
  const example = entryPoint(import.meta.url, '../../../examples/shop/two-regions.yaml')
  const http = JSON.stringify({ url: `${url}/orders`, method: 'POST', body: JSON.stringify(ORDER) })
  const text = readFileSync(example, 'utf8').replace(
    'strategy: warm-standby',
    `strategy: ${strategy}`,
  )
  const hasStandby = strategy !== 'backup-and-restore'
  const said = hasStandby ? text : text.replace(', standby: shop-db-standby', '')
  const file = join(stage.home.folder, 'lifeboat.yaml')
  writeFileSync(file, `${said}http: ${http}\n`)
  return readWorkload(file)
}
