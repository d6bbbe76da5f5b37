import { findKey, ownerPolicy, signFor } from './access-key.ts'
import { readCa } from './ca-file.ts'
import { exportAudit } from './export-audit.ts'
import { address, key, text } from './options.ts'
import { runCommand } from './run-command.ts'
import { dataDir, host } from './token-options.ts'

const time = (help: string) =>
  text({ placeholder: 'TIME', pattern: /./, allowed: 'a time such as 2026-11-01T00:00:00Z', fallback: undefined, help })

const from = time('only entries of this time and later')
const to = time('only entries before this time')
const actor = text({
  placeholder: 'NAME',
  pattern: /./,
  allowed: 'the name of a person or of a shared access policy',
  fallback: undefined,
  help: 'only entries of this person or shared access policy',
})
const operation = text({
  placeholder: 'NAMES',
  pattern: /^\w+(,\w+)*$/,
  allowed: 'names of operations, separated by commas',
  fallback: undefined,
  help: 'only entries of these operations, such as updateTwin,readKeys',
})
const hub = address({
  placeholder: 'URL',
  protocols: ['http:', 'https:'],
  fallback: 'http://127.0.0.1:4000/',
  help: 'the address of the hub',
})
const ca = text({
  placeholder: 'FILE',
  pattern: /./,
  allowed: 'a file with PEM certificates',
  fallback: undefined,
  help: 'the CA to trust for https:, such as ca.pem in the data folder of the hub',
})
const policyKey = key('the key of iothubowner, instead of IOTHUB_OWNER_KEY or the data folder')

/** Seconds for which the token is valid. The hub checks it at the beginning of an export only. */
const lifetime = 600

await runCommand({
  name: 'npm run -s audit',
  summary: `Prints who changed what, and who read the keys of devices, as lines of JSON, the newest first. Without a key, it
requests the audit without a token.`,
  options: { from, to, actor, operation, hub, ca, key: policyKey, 'data-dir': dataDir, host },
  async run(given, { signal }) {
    const signingKey = given(policyKey) ?? (await findKey(ownerPolicy, given(dataDir), process.env))
    const expiry = Math.floor(Date.now() / 1000) + lifetime
    const authorization = signingKey && signFor({ host: given(host), policyName: ownerPolicy, key: signingKey }, expiry)
    const filter = {
      from: given(from),
      to: given(to),
      actor: given(actor),
      operations: given(operation)?.split(',') ?? [],
    }
    const file = given(ca)
    const authority = file === undefined ? undefined : await readCa(file)
    await exportAudit({ url: given(hub), authorization, ca: authority }, filter, process.stdout, signal)
  },
})
