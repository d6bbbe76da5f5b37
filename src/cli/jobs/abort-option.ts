import { Option } from '@commander-js/extra-typings'
import type { AbortAction, AbortOutcome, AbortRuleInput } from '../../generated/commands/graphql.ts'
import { given } from '../options.ts'

const outcomes: ReadonlyMap<string, AbortOutcome> = new Map([
  ['failed', 'FAILED'],
  ['refused', 'REFUSED'],
])
const actions: ReadonlyMap<string, AbortAction> = new Map([
  ['pause', 'PAUSE'],
  ['cancel', 'CANCEL'],
])

/** An abort rule of a new job, as `failed,refused>=3%@100:pause`. May be given several times. */
export const abortRules = () =>
  new Option(
    '--abort <RULE>',
    'pauses or cancels the job by itself, such as "failed,refused>=3%@100:pause", from the 100th device on; may be repeated',
  ).argParser((text: string, before: readonly AbortRuleInput[] | undefined) => [
    ...(before ?? []),
    given(ruleIn(text), 'a rule such as failed>=3%:pause or failed,refused>=2.5%@100:cancel'),
  ])

/** The hub checks the numbers. */
function ruleIn(text: string): AbortRuleInput | undefined {
  const parts = /^([a-z,]+)>=(\d{1,3}(?:\.\d{1,2})?)%(?:@(\d{1,9}))?:([a-z]+)$/.exec(
    text.replaceAll(' ', '').toLowerCase(),
  )
  const [, names = '', percent = '', afterDevices, verb = ''] = parts ?? []
  const on = names.split(',').map((name) => outcomes.get(name))
  const action = actions.get(verb)
  if (action === undefined || !on.every((outcome) => outcome !== undefined)) return undefined
  return {
    on,
    percent: Number(percent),
    ...(afterDevices !== undefined && { afterDevices: Number(afterDevices) }),
    action,
  }
}
