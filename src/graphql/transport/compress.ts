import { promisify } from 'node:util'
import { gzip, gzipSync } from 'node:zlib'
import { acceptsCoding } from '../../accepted-coding.ts'

/** Bytes below which a response fits into one packet anyway. */
const fewestBytes = 1_024
/** Bytes up to which compressing takes less time than handing the work to another thread. */
const quickBytes = 16_384
/** Each one in another thread has a quarter of a megabyte of its own. Above this, responses are sent as they are. */
const mostAtATime = 16

const pack = promisify(gzip)

/** Compresses a response if its client accepts that. Undefined: send it as it is. */
export type Compress = (body: Buffer, acceptEncoding: string | string[] | undefined) => Promise<Buffer | undefined>

/** Creates the compression of the responses of one hub, by gzip. */
export function createCompress(): Compress {
  let inProgress = 0
  return async (body, acceptEncoding) => {
    if (body.length < fewestBytes || !acceptsCoding(acceptEncoding, 'gzip')) return undefined
    if (body.length <= quickBytes) return gzipSync(body)
    if (inProgress >= mostAtATime) return undefined
    inProgress++
    // A response that cannot be compressed is still good.
    const packed = await pack(body).catch(() => undefined)
    inProgress--
    return packed
  }
}
