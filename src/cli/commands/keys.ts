import { join } from 'node:path'
import { Argument, Command } from '@commander-js/extra-typings'
import { parsePolicies, printPolicies } from '../../access/policy-file.ts'
import { readIfThere, writeDurably } from '../../data-folder.ts'
import { makeAccessKey, ownerKeyFile, ownerPolicy, policyFile } from '../access-key.ts'
import { hubFolder } from '../hub-folder.ts'
import { UsageError } from '../usage-error.ts'

/** `twincast keys`: the keys of shared access policies. */
export const createKeys = () =>
  new Command('keys')
    .summary('changes the keys of policies')
    .description('Changes the keys of policies.')
    .addCommand(createRotate())

/** `twincast keys rotate` */
const createRotate = () =>
  new Command('rotate')
    .summary('gives a policy a new primary key')
    .description(
      `Gives a policy a new primary key, in policies.json of the data folder. The key before becomes its secondary key, so clients with
it go on; the secondary key before is refused from then on, and connections of clients with it are closed. Running hubs use the
keys within seconds. Of several hubs on one database, rotate at one of them: the others take its keys over.`,
    )
    .addArgument(new Argument('<policy>', 'the name of the policy, such as service'))
    .addOption(hubFolder())
    .action(async (name, { dataDir }) => {
      const { hubSettings } = await import('../hub-settings.ts')
      const { ownerKey, dataDir: folder } = hubSettings(dataDir)
      const path = join(folder, policyFile)
      const text = await readIfThere(path)
      if (text === undefined)
        throw new UsageError(`${path} does not exist. Set --data-dir to the data folder of a hub.`)
      const policies = parsePolicies(text)
      if (policies.every((policy) => policy.name !== name)) {
        throw new UsageError(`${path} has no policy ${name}. It has ${policies.map((each) => each.name).join(', ')}.`)
      }
      if (name === ownerPolicy && ownerKey !== undefined) {
        throw new UsageError(
          `IOTHUB_OWNER_KEY is the primary key of ${ownerPolicy}. Change the variable, and restart the hub.`,
        )
      }
      const primaryKey = makeAccessKey()
      const rotated = policies.map((policy) =>
        policy.name === name ? { ...policy, primaryKey, secondaryKey: policy.primaryKey } : policy,
      )
      // The key of the owner last: its file has precedence, and until then the key before is still the primary one.
      await writeDurably(path, printPolicies(rotated), 0o600)
      if (name === ownerPolicy) await writeDurably(join(folder, ownerKeyFile), `${primaryKey}\n`, 0o600)
      process.stderr.write(
        `${name} has a new primary key. The key before is its secondary key until the next rotation.\n`,
      )
    })
