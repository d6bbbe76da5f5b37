import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { createLogger, createServer as createViteServer, type Logger } from 'vite'
import { openPort } from '../src/open-port.ts'

/** The console while it is being worked on, at an address of its own. */
export type DevConsole = {
  readonly console: string
  readonly graphiql: string
  close(): Promise<void>
}

type Options = {
  readonly root: string
  readonly port: number
  /** Where GraphQL requests of the pages go. */
  readonly hubUrl: string
  /** A source was changed, added or removed: of the console, of the hub or of what is generated. Its absolute path. */
  readonly onChange: (path: string) => void
}

/**
 * Serves src/console by Vite. The server is ours, not Vite's own: that one ends the process at SIGTERM, before the hub has
 * stopped. ListenError.
 */
export async function openConsole({ root, port, hubUrl, onChange }: Options): Promise<DevConsole> {
  const server = createServer()
  await openPort(server, { variable: 'CONSOLE_PORT', host: 'localhost', port })
  process.env.HUB = hubUrl // for the proxy in vite.config.ts
  const vite = await createViteServer({
    configFile: resolve(root, 'vite.config.ts'),
    customLogger: quietAboutRestarts(createLogger('warn')),
    server: { middlewareMode: { server }, ws: { server } },
    plugins: [
      {
        name: 'sources',
        // Called again, with another watcher, when vite.config.ts was changed.
        configureServer({ watcher }) {
          watcher.add(['src', 'schema.graphql', 'prisma/schema.prisma'].map((path) => resolve(root, path)))
          watcher.on('all', (_event, path) => onChange(path))
        },
      },
    ],
  }).catch((error: unknown) => {
    server.close()
    throw error
  })
  server.on('request', (request, response) => vite.middlewares(request, response))
  const url = `http://localhost:${port}`
  return {
    console: `${url}/console/`,
    graphiql: `${url}/graphiql`,
    async close() {
      await vite.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** While the hub starts again, the proxy does not reach it: the page says so, and connects again by itself. */
const quietAboutRestarts = (logger: Logger): Logger => ({
  ...logger,
  error(text, options) {
    if (!/ proxy (socket )?error/.test(text)) logger.error(text, options)
  },
})
