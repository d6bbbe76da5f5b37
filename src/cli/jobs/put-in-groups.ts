import { graphql } from '../../generated/commands/gql.ts'
import { groupsIn, replaceGroups } from '../../query/device-groups.ts'
import type { HubClient } from '../hub-client.ts'
import type { JobDefinition } from './definition.ts'

const ReadGroup = graphql(`
  query ReadGroup($name: String!) {
    deviceGroup(name: $name) { queryCondition }
  }
`)

/**
 * The definition with the conditions that its device groups have now, as the hub puts them in when it schedules a job. A
 * condition that names an unknown group stays as it is.
 */
export async function putInGroups(client: HubClient, definition: JobDefinition): Promise<JobDefinition> {
  const { queryCondition, rollout } = definition
  const waves = rollout?.waves ?? undefined
  const given = [queryCondition, ...(waves ?? []).map((wave) => wave.queryCondition ?? '')]
  const conditions = new Map<string, string>()
  for (const name of new Set(given.flatMap(groupsIn))) {
    const { deviceGroup } = await client.execute(ReadGroup, { name })
    if (deviceGroup) conditions.set(name, deviceGroup.queryCondition)
  }
  const putIn = (condition: string): string =>
    groupsIn(condition).every((name) => conditions.has(name)) ? replaceGroups(condition, conditions) : condition
  return {
    ...definition,
    queryCondition: putIn(queryCondition),
    ...(waves && {
      rollout: {
        ...rollout,
        waves: waves.map((wave) => ({
          ...wave,
          ...(wave.queryCondition != null && { queryCondition: putIn(wave.queryCondition) }),
        })),
      },
    }),
  }
}
