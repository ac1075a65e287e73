import { type Unzipped, unzipSync } from 'fflate'
import { LambdaFault } from '../../protocol/models/lambda.ts'
import { invalidParameter } from '../checks.ts'

/** In bytes. Source: Lambda Developer Guide, "Lambda quotas". */
const MAX_ZIP_BYTES = 50 * 1024 * 1024
const MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
const MAX_FILES = 50_000

/** A file of a deployment package; its path is relative and stays within the package. */
export interface PackageFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * The files of a deployment package, within limits that are checked before anything is unpacked.
 *
 * @throws LambdaFault `InvalidParameterValueException`, `RequestTooLargeException`
 */
export function readPackage(zip: Uint8Array): PackageFile[] {
  if (zip.length > MAX_ZIP_BYTES) {
    throw new LambdaFault(
      'RequestTooLargeException',
      `A deployment package has at most ${MAX_ZIP_BYTES} bytes.`,
    )
  }
  const files = Object.entries(unzipped(zip))
  if (files.length === 0) throw invalidParameter('Uploaded file must be a non-empty zip')
  const folders = new Set(files.flatMap(([path]) => foldersOf(path)))
  if (files.some(([path]) => folders.has(path))) throw notAPackage()
  return files.map(([path, bytes]) => ({ path, bytes }))
}

/** fflate writes no more of a file than the package says that it has, and that is counted here. */
function unzipped(zip: Uint8Array): Unzipped {
  let [count, size] = [0, 0]
  const filter = ({ name, originalSize }: { name: string; originalSize: number }) => {
    count += 1
    size += originalSize
    if (count > MAX_FILES || !isWithin(name)) throw notAPackage()
    if (size > MAX_UNZIPPED_BYTES) {
      throw invalidParameter(`Unzipped size must be smaller than ${MAX_UNZIPPED_BYTES} bytes`)
    }
    return !name.endsWith('/')
  }
  try {
    return unzipSync(zip, { filter })
  } catch (error) {
    // It throws errors of its own, and those of views that end early.
    if (error instanceof LambdaFault || !(error instanceof Error)) throw error
    throw notAPackage()
  }
}

function isWithin(path: string): boolean {
  const parts = path.replace(/\/$/, '').split('/')
  const isPart = (part: string) => part !== '' && part !== '.' && part !== '..'
  return parts.every((part) => isPart(part) && part.length <= 255) && !/[\0\\]/.test(path)
}

function foldersOf(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

function notAPackage(): LambdaFault {
  return invalidParameter(
    'Could not unzip uploaded file. Please check your file, then try to upload again.',
  )
}
