import { parseJson } from '../../ui/json-text.ts'

/** The contents of the form, as they were typed. */
export type CallForm = {
  readonly methodName: string
  readonly payload: string
  readonly connectTimeout: string
  readonly responseTimeout: string
}

/** The call to send. Timeouts are in seconds. */
export type Call = {
  readonly methodName: string
  readonly payload?: unknown
  readonly connectTimeoutInSeconds: number
  readonly responseTimeoutInSeconds: number
}

/** The problems by field. */
export type CallProblems = { readonly [name in keyof CallForm]?: string }

/** The initial form. Calls to a single device are mostly made while it is connected. */
export const emptyCall: CallForm = { methodName: '', payload: '', connectTimeout: '0', responseTimeout: '30' }

/** Whether something was typed that another form does not have. */
export const isEdited = (form: CallForm, { methodName, payload }: CallForm): boolean =>
  (form.methodName.trim() !== '' && form.methodName !== methodName) ||
  (form.payload.trim() !== '' && form.payload !== payload)

/** Reads a form by the rules of the hub, so that mistakes are shown at the fields. */
export function readCall(form: CallForm): { readonly call: Call } | { readonly problems: CallProblems } {
  const methodName = form.methodName.trim()
  const payload = parseJson(form.payload)
  const connectTimeout = readSeconds(form.connectTimeout, 0)
  const responseTimeout = readSeconds(form.responseTimeout, 5)
  const problems: CallProblems = {
    ...(methodName === '' && { methodName: 'Enter a method name.' }),
    ...(/[^\x21-\x7e]|[$()<>@,;:\\"/[\]?={}+#]/.test(methodName) && {
      methodName: 'Use ASCII letters, digits and symbols, but no spaces and none of $()<>@,;:\\"/[]?={}+#.',
    }),
    ...(methodName.length > 100 && { methodName: 'Use at most 100 characters.' }),
    ...('problem' in payload && { payload: payload.problem }),
    ...(connectTimeout === undefined && { connectTimeout: 'Enter whole seconds from 0 to 300.' }),
    ...(responseTimeout === undefined && { responseTimeout: 'Enter whole seconds from 5 to 300.' }),
  }
  if (Object.keys(problems).length > 0 || connectTimeout === undefined || responseTimeout === undefined) {
    return { problems }
  }
  return {
    call: {
      methodName,
      ...('value' in payload && { payload: payload.value }),
      connectTimeoutInSeconds: connectTimeout,
      responseTimeoutInSeconds: responseTimeout,
    },
  }
}

function readSeconds(text: string, least: number): number | undefined {
  const seconds = /^\d{1,3}$/.test(text.trim()) ? Number(text) : Number.NaN
  return seconds >= least && seconds <= 300 ? seconds : undefined
}
