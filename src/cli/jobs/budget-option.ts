import { Option } from '@commander-js/extra-typings'
import type { DisruptionBudgetInput } from '../../generated/commands/graphql.ts'
import { given } from '../options.ts'

/** The budget of a new job, as `tags.site=1`. */
export const budget = () =>
  new Option(
    '--budget <PATH=N>',
    'calls in progress at most in each group of devices with the same value at a path, such as "tags.site=1"',
  ).argParser((text: string) => given(budgetIn(text), 'a path and a number such as tags.site=1'))

/** The hub checks both. A path in brackets may have an equals sign. */
function budgetIn(text: string): DisruptionBudgetInput | undefined {
  const [, groupBy = '', maxConcurrent = ''] = /^(.+)=(\d{1,9})$/s.exec(text) ?? []
  return groupBy === '' ? undefined : { groupBy: groupBy.trim(), maxConcurrent: Number(maxConcurrent) }
}
