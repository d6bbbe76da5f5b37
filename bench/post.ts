import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Posts JSON, and returns the body of the answer. */
export const post = (url: string, body: string, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(url, { method: 'POST', headers, signal }, (response) => resolve(text(response)))
    sent.on('error', reject)
    sent.end(body)
  })
