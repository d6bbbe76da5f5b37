import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { credentialKey } from './src/console/hub/credential-key.ts'

/** An expression in the page of GraphiQL: the options with which it has the session of the console in the same tab. */
const sessionOptions = `(() => {
  const kept = sessionStorage.getItem('${credentialKey}')
  const credential = kept === null ? undefined : { Authorization: JSON.parse(kept).authorization }
  return { additionalHeaders: credential, connectionParams: credential }
})()`

/** The page that the package makes, of 9 MB. */
const wholeGraphiql = (): string => {
  const whole = renderGraphiQL({
    title: 'Twincast',
    favicon: 'data:,',
    endpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    defaultQuery: '{\n  jobs(first: 10) {\n    nodes {\n      jobId\n      status\n      outcome\n    }\n  }\n}\n',
  })
  const options = '{"title":"Twincast",'
  const start = whole.lastIndexOf(options)
  if (start < whole.lastIndexOf('renderYogaGraphiQL(')) throw new Error('The page of GraphiQL has no options.')
  return `${whole.slice(0, start)}{...${sessionOptions},${whole.slice(start + 1)}`
}

/**
 * GraphiQL, which the hub serves at /graphql (src/http/graphiql.ts). Split into files, the page is small,
 * browsers cache the rest, and the page's content security policy allows no inline script.
 */
const graphiql: Plugin = {
  name: 'graphiql',
  apply: 'build',
  generateBundle() {
    const whole = wholeGraphiql()
    const takeOut = (from: string, to: string): string => {
      const [start, end] = [whole.indexOf(from), whole.lastIndexOf(to)]
      if (start < 0 || end < start) throw new Error(`GraphiQL's page has no ${from}.`)
      return whole.slice(start + from.length, end)
    }
    const emit = (name: string, source: string): string =>
      `/console/${this.getFileName(this.emitFile({ type: 'asset', name, source }))}`
    const style = emit('graphiql.css', takeOut('<style>', '</style>'))
    const script = emit('graphiql.js', takeOut('<script>', '</script>'))
    const source = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Twincast</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${style}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
    <script src="${script}"></script>
  </body>
</html>
`
    this.emitFile({ type: 'asset', fileName: 'graphiql.html', source })
    const folder = dirname(dirname(createRequire(import.meta.url).resolve('@graphql-yoga/render-graphiql')))
    const licence = readFileSync(join(folder, 'LICENSE'), 'utf8')
    this.emitFile({ type: 'asset', fileName: 'graphiql-licence.txt', source: licence })
  },
}

/** The addresses of pages, by their folders in src/console/pages. Other pages have the address of their folder. */
const addresses: Readonly<Record<string, string>> = {
  job: 'jobs/each',
  'job-schedules': 'schedules',
  'job-schedule': 'schedules/each',
  'job-templates': 'templates',
  'job-template': 'templates/each',
  'device-groups': 'groups',
  device: 'devices/each',
  webhook: 'webhooks/each',
}

const generated = join(import.meta.dirname, 'src/generated/console/graphql.ts')

/**
 * Puts each GraphQL document where it is used. The generated function `graphql` finds it in a map of all documents, so every page
 * would need those of all others before its first row.
 */
const documents: Plugin = {
  name: 'documents',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (!id.includes('/src/console/') || !code.includes('graphql(`')) return null
    const known = new Map(
      [...readFileSync(generated, 'utf8').matchAll(/^export const (\w+) = (\{.*\}) as unknown as DocumentNode/gm)].map(
        ([, name, document]) => [name, document],
      ),
    )
    return code
      .replace(/^import \{ graphql \} from .*$/m, '')
      .replace(/\bgraphql\(`\s*(\w+) (\w+)[^`]*`\)/g, (_, kind: string, name: string) => {
        // Documents contain the fragments that they name.
        if (kind === 'fragment') return 'undefined'
        const document = known.get(`${name}Document`)
        if (document === undefined) throw new Error(`${id} has the document ${name}, which was not generated.`)
        return document
      })
  },
}

/**
 * Writes a copy of index.html for each page, `pages/jobs.html` and so on, which names the files of that page. So the browser
 * requests them together with the first script, and not when this script has run. The hub selects the copy by the address.
 */
const preloads: Plugin = {
  name: 'preloads',
  apply: 'build',
  enforce: 'post',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      const index = bundle['index.html']
      if (index?.type !== 'asset') throw new Error('The build has no index.html.')
      const html = String(index.source)
      const filesOf = (name: string, found = new Set<string>()): Set<string> => {
        const chunk = bundle[name]
        if (chunk?.type !== 'chunk' || found.has(name)) return found
        found.add(name)
        for (const imported of chunk.imports) filesOf(imported, found)
        return found
      }
      const pages = Object.values(bundle).flatMap((file) => {
        const folder = file.type === 'chunk' && /\/pages\/([a-z-]+)\/page\.tsx$/.exec(file.facadeModuleId ?? '')?.[1]
        return folder ? [{ fileName: file.fileName, address: addresses[folder] ?? folder }] : []
      })
      for (const { fileName, address } of pages) {
        const links = [...filesOf(fileName)]
          .filter((name) => !html.includes(name))
          .map((name) => `    <link rel="modulepreload" crossorigin href="/console/${name}" nonce="{{nonce}}">\n`)
        const source = html.replace(/ *<\/head>/, (end) => links.join('') + end)
        this.emitFile({ type: 'asset', fileName: `pages/${address}.html`, source })
      }
    },
  },
}

/**
 * What the hub adds when it serves the console, for the development server: GraphiQL, here as a whole and at an address
 * of its own, and the hub's name in the page. Persons cannot sign in there: tokens are pasted.
 */
const likeTheHub: Plugin = {
  name: 'like-the-hub',
  apply: 'serve',
  configureServer({ middlewares }) {
    middlewares.use('/graphiql', (_request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(wholeGraphiql())
    })
  },
  transformIndexHtml: (page) =>
    page
      .replace('{{hubHostName}}', process.env.HUB_HOST_NAME || 'localhost')
      .replace('{{graphiql}}', 'true')
      .replace('{{signIn}}', ''),
}

/** The console: src/console → dist/console, which the hub serves (src/http/console.ts). */
export default defineConfig({
  root: 'src/console',
  base: '/console/',
  plugins: [documents, react(), graphiql, preloads, likeTheHub],
  // The hub replaces this by a new nonce in each answer: CodeMirror adds its styles while it runs.
  html: { cspNonce: '{{nonce}}' },
  build: {
    outDir: '../../dist/console',
    // What the licences of packages ask for: their text goes where their code goes, into the npm package.
    license: { fileName: 'licences.md' },
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // A file written into a page as a data: address would be refused by the content security policy.
    assetsInlineLimit: 0,
    // Pages are loaded ahead. The browser would not request a style again whose loading failed then, and the page would be
    // shown without it.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 900,
    // The time that plugins take says nothing to those who only start the hub.
    rolldownOptions: {
      checks: { bundlerTimings: false },
      // The hub serves names with one dot. A file that pages share may be named after a style, such as `forms.module`.
      output: { chunkFileNames: ({ name }) => `assets/${name.replaceAll('.', '-')}-[hash].js` },
    },
  },
  logLevel: 'warn',
  // For `npm run dev`, and for `npx vite` with a hub that runs elsewhere (HUB, with this origin in ALLOWED_ORIGINS).
  server: {
    proxy: {
      '/graphql': {
        target: process.env.HUB ?? 'http://localhost:4000',
        ws: true,
        // The host of the request. The origin of the page stays, and is in the hub's ALLOWED_ORIGINS.
        changeOrigin: true,
      },
    },
  },
})
