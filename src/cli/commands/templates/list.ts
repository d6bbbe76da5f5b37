import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ListTemplates = graphql(`
  query ListTemplates($first: Int!, $after: String) {
    jobTemplates(first: $first, after: $after) {
      nodes { templateId type name queryCondition maxExecutionTimeInSeconds targets onOverlap skipCompliant rollout etag }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

/** `twincast templates list` */
export const createTemplatesList = () =>
  hubCommand('list')
    .description('Prints the job templates by ID.')
    .addOption(format())
    .action((options) =>
      withHub(options, async ({ client }, signal) => {
        const read = async (first: number, after: string | undefined) => {
          const { jobTemplates } = await client.execute(ListTemplates, { first, after })
          if (!jobTemplates) throw new Error('The hub has sent no job templates.')
          return jobTemplates
        }
        const rows = async function* () {
          for await (const { name, rollout, ...template } of rowsOf(read)) {
            yield { ...template, name: name ?? null, rollout: rollout ?? null }
          }
        }
        await printRows(rows(), ['templateId', 'type', 'name', 'queryCondition'], options.format, signal)
      }),
    )
