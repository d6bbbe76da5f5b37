import { Option } from '@commander-js/extra-typings'
import type { AbortAction, AbortOutcome, AbortRuleInput } from '../../generated/commands/graphql.ts'
import { given } from '../options.ts'

const outcomes: ReadonlyMap<string, AbortOutcome> = new Map([
  ['failed', 'FAILED'],
  ['refused', 'REFUSED'],
  ['timed-out', 'TIMED_OUT'],
])
const actions: ReadonlyMap<string, AbortAction> = new Map([
  ['pause', 'PAUSE'],
  ['cancel', 'CANCEL'],
])

/** An abort rule of a new job, as `failed,refused>=3%@100:pause` or `error=GatewayTimeout>=3%:pause`. May be given several times. */
export const abortRules = () =>
  new Option(
    '--abort <RULE>',
    'pauses or cancels the job by itself, such as "failed,refused>=3%@100:pause", from the 100th device on; may be repeated',
  ).argParser((text: string, before: readonly AbortRuleInput[] | undefined) => [
    ...(before ?? []),
    given(ruleIn(text), 'a rule such as failed>=3%:pause or failed,refused>=2.5%@100:cancel'),
  ])

/** The hub checks the numbers and the error codes. */
function ruleIn(text: string): AbortRuleInput | undefined {
  const parts = /^([^>]+)>=(\d{1,3}(?:\.\d{1,2})?)%(?:@(\d{1,9}))?:([a-z]+)$/i.exec(text.replaceAll(' ', ''))
  const [, what = '', percent = '', afterDevices, verb = ''] = parts ?? []
  const counted = countedIn(what)
  const action = actions.get(verb.toLowerCase())
  if (action === undefined || counted === undefined) return undefined
  return {
    ...counted,
    percent: Number(percent),
    ...(afterDevices !== undefined && { afterDevices: Number(afterDevices) }),
    action,
  }
}

/** What a rule counts: results, `error=` and a code, or `status=` and a response status. */
function countedIn(text: string): Pick<AbortRuleInput, 'on' | 'errorCode' | 'responseStatus'> | undefined {
  const [, kind, value = ''] = /^(error|status)=(\w+)$/i.exec(text) ?? []
  if (kind?.toLowerCase() === 'error') return { errorCode: value }
  if (kind !== undefined) return /^\d{1,9}$/.test(value) ? { responseStatus: Number(value) } : undefined
  const on = text.split(',').map((name) => outcomes.get(name.toLowerCase()))
  return on.every((outcome) => outcome !== undefined) ? { on } : undefined
}
