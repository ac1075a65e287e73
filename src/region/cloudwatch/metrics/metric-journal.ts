import { type FileHandle, mkdir, open, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../../../core/errors.ts'
import { throwFolderFailure } from '../../../postgres/folder-failure.ts'
import { type Point, type Resolution, type Series, seriesId } from './metric.ts'

const HOUR_SECONDS = 3600
const NEWLINE = 0x0a
/** How many hours are open for more at a time: values may be two weeks old. */
const MAX_OPEN = 8

/** The file that points of one hour are appended to. */
interface HourFile {
  readonly handle: FileHandle
  /** Which number of the file a series has: those of its first mention. */
  readonly numberById: Map<string, number>
  sizeBytes: number
}

/**
 * The points of a region's metrics on disk: a file for each hour, of lines that are only ever appended. A point that is
 * written twice counts twice: its statistics add up.
 *
 * It is a ring: when all files together are larger than they may be, the oldest hour is deleted. A line that a killed
 * process left half-written was never acknowledged, and the next start cuts it off. One process owns the folder (I9).
 */
export class MetricJournal {
  readonly #files = new Map<number, HourFile>()
  readonly #sizeByHour = new Map<number, number>()
  #writing: Promise<void> = Promise.resolve()

  private constructor(
    private readonly o: { folder: string; maxBytes: number; onDropped: (hour: number) => void },
  ) {}

  /**
   * Opens a folder, makes it if need be, and tells every point in it, oldest hour first.
   *
   * @param o.maxBytes   what all files may hold together
   * @param o.onDropped  told of each hour that the ring has lost, in hours since 1970
   * @throws LifeboatError `FolderNotUsable`, `StateDamaged`
   */
  static async open(o: {
    folder: string
    maxBytes: number
    onPoint: (point: Point) => void
    onDropped: (hour: number) => void
  }): Promise<MetricJournal> {
    const journal = new MetricJournal(o)
    try {
      await mkdir(o.folder, { recursive: true, mode: 0o700 })
      const names = (await readdir(o.folder)).filter((name) => hourIn(name) !== undefined)
      for (const name of names.sort()) await journal.#load(name, o.onPoint)
    } catch (error) {
      if (error instanceof LifeboatError) throw error
      throwFolderFailure(o.folder, error)
    }
    return journal
  }

  /** Durable when it resolves. Appends are made in the order of the calls. @throws LifeboatError `DiskFull` */
  async append(points: readonly Point[]): Promise<void> {
    await this.#inTurn(() => this.#append(points))
  }

  /** Deletes the hours before one. */
  async expire(before: number): Promise<void> {
    await this.#inTurn(async () => {
      for (const hour of [...this.#sizeByHour.keys()]) if (hour < before) await this.#drop(hour)
    })
  }

  async close(): Promise<void> {
    await this.#writing
    for (const [hour, file] of this.#files) await this.#close(hour, file)
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#writing.then(work)
    // The next one must happen whether or not this one failed.
    this.#writing = mine.then(
      () => undefined,
      () => undefined,
    )
    await mine
  }

  async #append(points: readonly Point[]): Promise<void> {
    const byHour = new Map<number, Point[]>()
    for (const point of points) {
      const hour = hourOf(point.atSeconds)
      byHour.set(hour, [...(byHour.get(hour) ?? []), point])
    }
    try {
      for (const [hour, some] of byHour) await this.#write(hour, some)
    } catch (error) {
      throwFolderFailure(this.o.folder, error)
    }
    await this.#keepWithin()
  }

  async #write(hour: number, points: readonly Point[]): Promise<void> {
    const file = this.#files.get(hour) ?? (await this.#openFile(hour))
    const numbers = new Map(file.numberById)
    const lines = points.flatMap((point) => {
      const id = seriesId(point.series)
      const known = numbers.get(id)
      const number = known ?? numbers.size
      numbers.set(id, number)
      return [...(known === undefined ? [seriesLine(point.series)] : []), pointLine(number, point)]
    })
    const text = `${lines.join('\n')}\n`
    try {
      await file.handle.appendFile(text)
      await file.handle.datasync()
    } catch (error) {
      // What is there of it was not acknowledged, and must not be continued.
      await file.handle.truncate(file.sizeBytes)
      throw error
    }
    file.sizeBytes += Buffer.byteLength(text)
    for (const [id, number] of numbers) file.numberById.set(id, number)
    this.#sizeByHour.set(hour, file.sizeBytes)
  }

  async #openFile(hour: number): Promise<HourFile> {
    const handle = await open(join(this.o.folder, nameOf(hour)), 'a', 0o600)
    // A file of an earlier process numbers its series anew from here on.
    const file = { handle, numberById: new Map(), sizeBytes: (await handle.stat()).size }
    if (file.sizeBytes > 0) {
      await handle.appendFile(RESTART)
      file.sizeBytes += RESTART.length
    } else {
      await syncFolder(this.o.folder)
    }
    this.#files.set(hour, file)
    const [first] = this.#files
    if (first && this.#files.size > MAX_OPEN) await this.#close(...first)
    return file
  }

  async #close(hour: number, { handle }: HourFile): Promise<void> {
    await handle.close()
    this.#files.delete(hour)
  }

  async #keepWithin(): Promise<void> {
    for (;;) {
      const sizes = [...this.#sizeByHour].sort(([a], [b]) => a - b)
      const [oldest] = sizes
      const total = sizes.reduce((sum, [, size]) => sum + size, 0)
      if (!oldest || sizes.length < 2 || total <= this.o.maxBytes) return
      await this.#drop(oldest[0])
    }
  }

  async #drop(hour: number): Promise<void> {
    const file = this.#files.get(hour)
    if (file) await this.#close(hour, file)
    await rm(join(this.o.folder, nameOf(hour)), { force: true })
    this.#sizeByHour.delete(hour)
    this.o.onDropped(hour)
  }

  async #load(name: string, onPoint: (point: Point) => void): Promise<void> {
    const path = join(this.o.folder, name)
    const bytes = await readFile(path)
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end < bytes.length) await truncate(path, end)
    this.#sizeByHour.set(hourIn(name)!, end)
    let series: Series[] = []
    for (const [index, line] of bytes.subarray(0, end).toString().split('\n').entries()) {
      if (line === '') continue
      const told = parse(line, `${path}:${index + 1}`)
      if (!Array.isArray(told)) series.push(told)
      else if (isRestart(told)) series = []
      else onPoint(pointOf(told, series, `${path}:${index + 1}`))
    }
  }
}

/** Number of the series, start, resolution, statistics; then values and counts by turns, when they are known. */
type PointLine = [number, number, Resolution, number, number, number, number, ...number[]]

/** From here on series are numbered anew. */
type RestartLine = []
const RESTART = '[]\n'

function isRestart(line: PointLine | RestartLine): line is RestartLine {
  return line.length === 0
}

function seriesLine({ namespace, name, unit, dimensions }: Series): string {
  return JSON.stringify({ namespace, name, unit, dimensions })
}

function pointLine(number: number, { atSeconds, resolution, statistics }: Point): string {
  const { count, sum, min, max, counts = [] } = statistics
  const line: PointLine = [number, atSeconds, resolution, count, sum, min, max]
  return JSON.stringify([...line, ...[...counts].flat()])
}

function pointOf(line: PointLine, series: readonly Series[], place: string): Point {
  const [number, atSeconds, resolution, count, sum, min, max, ...flat] = line
  const found = series[number]
  if (!found || max === undefined) throw damaged(place)
  const counts = new Map<number, number>()
  for (let i = 0; i + 1 < flat.length; i += 2) counts.set(flat[i]!, flat[i + 1]!)
  const statistics = { count, sum, min, max, ...(counts.size > 0 ? { counts } : {}) }
  return { series: found, atSeconds, resolution, statistics }
}

function parse(line: string, place: string): Series | PointLine | RestartLine {
  try {
    return JSON.parse(line)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw damaged(place, cause)
    throw cause
  }
}

function damaged(place: string, cause?: unknown): LifeboatError {
  return new LifeboatError('StateDamaged', `'${place}' is not what was written there`, {
    hint: 'Remove the file to lose the metrics of that hour.',
    cause,
  })
}

export function hourOf(atSeconds: number): number {
  return Math.floor(atSeconds / HOUR_SECONDS)
}

/** `2026-01-15T10.jsonl` */
function nameOf(hour: number): string {
  return `${new Date(hour * HOUR_SECONDS * 1000).toISOString().slice(0, 13)}.jsonl`
}

function hourIn(name: string): number | undefined {
  const [, text] = /^(\d{4}-\d\d-\d\dT\d\d)\.jsonl$/.exec(name) ?? []
  const ms = Date.parse(`${text ?? ''}:00:00Z`)
  return Number.isNaN(ms) ? undefined : ms / (HOUR_SECONDS * 1000)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
