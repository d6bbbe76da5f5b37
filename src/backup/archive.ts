import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { createTarDecoder, createTarPacker } from 'modern-tar'

/** A backup cannot be used: it is damaged, not complete, or of another version. The sentence says what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

/** A file in the archive. */
export type Entry = { readonly name: string; readonly bytes: Buffer }

/** Writes the files of an archive, one after the other. */
export type ArchiveWriter = {
  /** Resolves when there is room for the next file. */
  add(name: string, bytes: Buffer): Promise<void>
  /** Completes the archive; it is written when this resolves. */
  finish(): Promise<void>
  /** Ends an archive that is not complete. */
  abandon(reason: unknown): Promise<void>
}

/** Bytes of the largest file in an archive. Tables are divided into files of `partBytes`; the others are small. */
export const partBytes = 2 ** 20
const maxBytes = 16 * partBytes

/** Begins a tar archive that is compressed by gzip. */
export function writeArchive(out: Writable, time: Date): ArchiveWriter {
  const { readable, controller } = createTarPacker()
  const written = pipeline(Readable.from(readable), createGzip(), out)
  written.catch(() => {}) // `add` rejects, too, and `finish` reports it
  return {
    async add(name, bytes) {
      const file = controller.add({ name, size: bytes.length, mode: 0o600, mtime: time }).getWriter()
      if (bytes.length > 0) await file.write(bytes)
      await file.close()
    },
    async finish() {
      controller.finalize()
      await written
    },
    async abandon(reason) {
      controller.error(reason)
      await written.catch(() => {})
    },
  }
}

/**
 * Reads the files of an archive, one after the other.
 * @throws BackupError
 */
export async function* readArchive(input: Readable): AsyncGenerator<Entry> {
  const decoder = createTarDecoder({ strict: true })
  const read = pipeline(input, createGunzip(), Writable.fromWeb(decoder.writable))
  read.catch(() => {}) // the decoder reports it
  try {
    for await (const { header, body } of decoder.readable) {
      if (header.size > maxBytes) throw new BackupError(`It has the file ${header.name}, which no backup has.`)
      const parts: Uint8Array[] = []
      for await (const part of body) parts.push(part)
      yield { name: header.name, bytes: Buffer.concat(parts) }
    }
    await read
  } catch (error) {
    throw asBackupError(error)
  }
}

/** The errors of zlib and of tar say nothing to those who restore a backup. Others are faults of the disk. */
function asBackupError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BackupError) return error
  const code = 'code' in error ? error.code : undefined
  if (code === 'Z_BUF_ERROR' || /truncated/i.test(error.message)) return new BackupError(cutOff)
  if (code === 'Z_DATA_ERROR' && error.message === 'incorrect header check') {
    return new BackupError('It is not a backup that twincast backup wrote.')
  }
  if (code === undefined || code === 'Z_DATA_ERROR') return new BackupError(`It is damaged (${error.message}).`)
  return error
}

/** Why an archive whose end is missing is refused. */
export const cutOff = 'It ends early: the file is not complete. Copy it again, or use another backup.'
