import { resolve } from 'node:path'
import { build } from 'vite'

const types = { css: 'text/css', html: 'text/html', js: 'text/javascript' }

/** Builds the page of examples/web-client with these settings, in memory. The result answers requests for its files. */
export async function buildPage(settings) {
  const { output } = await build({
    root: resolve(import.meta.dirname, '../web-client'),
    logLevel: 'warn',
    define: Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)]),
    ),
    build: { write: false },
  })
  const files = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]))
  return (request, response) => {
    const { pathname } = new URL(request.url, 'http://page')
    const path = pathname === '/' ? '/index.html' : pathname
    const body = files.get(path)
    if (body === undefined) response.writeHead(404).end()
    else response.setHeader('content-type', `${types[path.split('.').at(-1)]}; charset=utf-8`).end(body)
  }
}
