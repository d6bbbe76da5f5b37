import { Command } from '@commander-js/extra-typings'
import { connectionString, findKey, ownerPolicy, signFor } from '../access-key.ts'
import { key, text, wholeNumber } from '../options.ts'
import { dataDir, host } from '../token-options.ts'
import { UsageError } from '../usage-error.ts'

/** `twincast token`: access to a hub. */
export const createToken = () =>
  new Command('token')
    .summary('prints a token for a hub')
    .description('Prints the value of an Authorization header for GraphQL and REST: a shared access signature.')
    .addOption(
      text(
        '--policy <NAME>',
        'the shared access policy whose key signs the token',
        /^[A-Za-z\d_-]{1,64}$/,
        'the name of a shared access policy',
      ).default(ownerPolicy),
    )
    .addOption(key('the key of the policy, instead of IOTHUB_OWNER_KEY or the data folder'))
    .addOption(dataDir())
    .addOption(wholeNumber('--hours <N>', 'hours for which the token is valid', { min: 1, max: 8_760 }).default(1))
    .addOption(host())
    .option('--connection-string', 'prints a connection string for the Azure SDKs instead of a token')
    .action(async ({ policy, key, dataDir, hours, host, connectionString: isConnectionString }) => {
      const signingKey = key ?? (await findKey(policy, dataDir, process.env))
      if (signingKey === undefined) {
        throw new UsageError(
          policy === ownerPolicy
            ? `No key found: ${dataDir} has no key, IOTHUB_OWNER_KEY is not set, and --key is not given.`
            : `No key found: policies.json in ${dataDir} has no policy ${policy}, and --key is not given.`,
        )
      }
      const access = { host, policyName: policy, key: signingKey }
      const expiry = Math.floor(Date.now() / 1000) + hours * 3_600
      process.stdout.write(`${isConnectionString ? connectionString(access) : signFor(access, expiry)}\n`)
    })
