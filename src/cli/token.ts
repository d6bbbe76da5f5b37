import { connectionString, findKey, ownerPolicy, signFor } from './access-key.ts'
import { UsageError } from './arguments.ts'
import { flag, key, text, wholeNumber } from './options.ts'
import { runCommand } from './run-command.ts'
import { dataDir, host } from './token-options.ts'

const policy = text({
  placeholder: 'NAME',
  pattern: /^[A-Za-z\d_-]{1,64}$/,
  allowed: 'the name of a shared access policy',
  fallback: ownerPolicy,
  help: 'the shared access policy whose key signs the token',
})
const policyKey = key('the key of the policy, instead of IOTHUB_OWNER_KEY or the data folder')
const hours = wholeNumber({
  placeholder: 'N',
  min: 1,
  max: 8_760,
  fallback: 1,
  help: 'hours for which the token is valid',
})
const asConnectionString = flag('prints a connection string for the Azure SDKs instead of a token')

await runCommand({
  name: 'npm run -s token',
  summary: 'Prints the value of an Authorization header for GraphQL and REST: a shared access signature.',
  options: { policy, key: policyKey, 'data-dir': dataDir, hours, host, 'connection-string': asConnectionString },
  async run(given) {
    const policyName = given(policy)
    const signingKey = given(policyKey) ?? (await findKey(policyName, given(dataDir), process.env))
    if (signingKey === undefined) {
      throw new UsageError(
        policyName === ownerPolicy
          ? `No key found: ${given(dataDir)} has no key, IOTHUB_OWNER_KEY is not set, and --key is not given.`
          : `No key found: policies.json in ${given(dataDir)} has no policy ${policyName}, and --key is not given.`,
      )
    }
    const access = { host: given(host), policyName, key: signingKey }
    const expiry = Math.floor(Date.now() / 1000) + given(hours) * 3_600
    process.stdout.write(`${given(asConnectionString) ? connectionString(access) : signFor(access, expiry)}\n`)
  },
})
