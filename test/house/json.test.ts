import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

// Parsing, printing and walking through JSON take time and stack by what its author wrote. So every file that does it says
// here why nobody outside can make it take too much. Programs that are clients of the hub stand aside.

const root = resolve(import.meta.dirname, '../../src')
const clients = /^(?:cli|console|generated|simulator)\//

/** What somebody outside has sent is parsed where its bytes and depth are looked at, in the same file. */
const adapters = [
  'graphql/transport/socket-inbox.ts',
  'graphql/device/telemetry.ts',
  'method/answer.ts',
  'method/check-call.ts',
  'mqtt/inbound.ts',
  'rest/body.ts',
]

/** What is printed and parsed elsewhere, and what bounds it. */
const bounded: Readonly<Record<string, string>> = {
  // What came in through a door, or was checked by the rules of its kind
  'device/store.ts': 'twins that twin/check-patch.ts has checked',
  'twin/document.ts': 'a section of 8 KB at most, and twins that twin/check-patch.ts has checked',
  'twin/commands.ts': 'patches that twin/check-patch.ts has checked',
  'twin/large-changes.ts': 'twins and patches that twin/check-patch.ts has checked',
  'twin-thread/twin-thread.ts': 'the address of a file of this program',
  'twin/size.ts': 'one text of a section',
  'twin/service-document.ts': 'texts of the database, and what the hub knows of a device',
  'job-schedule/store.ts': 'who a schedule is for: names, roles and ids',
  'job-template/store.ts': 'members that job-template/template.ts has checked',
  'job/store/cancelled-device-jobs.ts':
    'a condition that query/parser.ts has parsed, or the id of a device that exists',
  'job/store/jobs.ts': 'requests that job/request.ts has checked',
  'job/store/transitions.ts': 'labels that job/naming.ts has checked',
  'method/commands.ts': 'payloads that method/check-call.ts has checked',
  'scheduler/dispatch-method-calls.ts': 'payloads that method/check-call.ts has checked',
  'rest/methods.ts': 'a body that rest/body.ts has read',
  'rest/printed-response.ts': 'pages that the hub has printed itself, and only for callers other than HTTP',
  'device/selection-store.ts': 'texts of the database, in a bounded page',
  'query/operands.ts': 'names and values of a condition, whose length and depth the parser bounds',
  'query/selection.ts': 'names of a statement',
  'statement/result.ts': 'texts of the database, in a bounded page',
  'graphql/transport/http-form.ts': 'parsing takes no stack, and graphql/limits.ts looks at the variables next',
  'graphql/transport/plain-request.ts': 'parsing takes no stack, and graphql/limits.ts looks at the variables next',
  'graphql/live/shared-subscribe.ts': 'variables that graphql/limits.ts has looked at',
  'graphql/live/standing.ts': 'variables that graphql/limits.ts has looked at',
  'graphql/bounded-reads.ts': 'arguments that are no JSON',
  'graphql/loaders.ts': 'arguments that are no JSON',
  'graphql/job/failure-count-cache.ts': 'a scope and the key of a job',
  'scope.ts': 'condition texts',
  'graphql/transport/trusted-documents.ts': 'files of the operator and of the code generator',
  'library/simulate-fleet.ts': 'payloads that method/check-call.ts has checked, in the program of a test',
  'version.ts': 'the package file of this program',
  'access/viewer.ts': 'names of roles and rights',
  // Answers, which must survive whatever they hold
  'json/exact-numbers.ts': 'the command line calls it; the pattern takes time in proportion to the text',
  'json/json-text.ts': 'texts are passed on and not parsed; values are checked by who passes them on',
  'graphql/transport/print-result.ts': 'never throws',
  'graphql/transport/next-message.ts': 'the id of an operation, in a message of bounded size',
  'graphql/transport/websocket.ts': 'an error of ours, with such an id',
  'graphql/transport/server.ts': 'a refusal of ours',
  'http/respond.ts': 'answers of ours',
  'rest/router.ts': 'an error of ours',
  'rest/errors.ts': 'an error of ours',
  'rest/openapi.ts': 'our document about the API, once',
  // Lists of texts that come back as they went out, in a header, a variable or a body of bounded size
  'audit/store.ts': 'the detail of an entry: some texts of bounded length',
  'graphql/transport/audit-export.ts': 'an entry of the audit',
  'graphql/transport/results-export.ts': 'ids, times and texts of bounded length; the payload stays text',
  'graphql/transport/refuse-download.ts': 'an error',
  'cursor.ts': 'a place in a list: a list of texts, or refused',
  'statement/commands.ts': 'a text and a number',
  'job/failure-groups.ts': 'texts and numbers',
  'job/store/failures.ts': 'texts and numbers',
  'job/preview.ts': 'a path',
  'webhook/message.ts': 'an id, names, times and counters of a job',
  // Quotes around a word in a sentence
  'config.ts': 'a word in a sentence',
  'device/identity.ts': 'a word in a sentence',
  'twin/check-patch.ts': 'a word in a sentence',
  // What only the hub and its operator write
  'access/roles-file.ts': 'a file of the hub, which its operator writes',
  'access/oidc/discovery-commands.ts': 'at most 1 MB, which the issuer sends; parsing takes no stack',
  'access/policy-file.ts': "the operator's file",
  'backup/manifest.ts': 'files of a backup, of 16 MB at most, which its operator restores; parsing takes no stack',
  'data-folder.ts': "the hub's own file",
  'http/console.ts':
    "settings of the operator, and addresses in the issuer's discovery document, which has at most 1 MB",
  'database/complies.ts': 'patches that twin/check-patch.ts has checked',
  'database/embedded/binaries.ts': 'files of packages',
  'bus/nats-route.ts': 'announcements of other instances, of a megabyte at most',
  'bus/bus.ts': 'messages of other instances, of a million characters at most, with content as text',
  'events/instances.ts': 'messages of other instances, of 8,000 bytes at most',
  'events/taps.ts': 'messages of other instances, of a million characters at most; payloads are Base64 text',
  'method/remote-commands.ts': 'messages of other instances, of a million characters at most; payloads are text',
  'mqtt/session-store.ts': 'filters of a device, four at most',
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !clients.test(file))
  .sort()
const code = (file: string): string =>
  readFileSync(join(root, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:])\/\/.*$/gm, '$1')

test('every file that parses or prints JSON says what bounds it', () => {
  const found = files.filter((file) => /\bJSON\s*\.\s*(?:parse|stringify)\b|\.json\(\)/.test(code(file)))
  expect(found).toEqual([...adapters, ...Object.keys(bounded)].sort())
})

test('what comes in from outside is looked at before anything walks through it', () => {
  expect(adapters.filter((file) => !/\b(?:overBudget|isDeeper)\(/.test(code(file)))).toEqual([])
})
