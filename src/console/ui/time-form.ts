import { useSyncExternalStore } from 'react'

/** How times are shown: `3 min ago`, in the time zone of the browser, or in UTC. */
export type TimeForm = 'relative' | 'local' | 'utc'

const order: readonly TimeForm[] = ['relative', 'local', 'utc']
const key = 'twincast-times'
const listeners = new Set<() => void>()

let chosen: TimeForm | undefined

/** The form that was chosen in this browser, for all times of the console. */
function chosenForm(): TimeForm {
  chosen ??= order.find((form) => form === localStorage.getItem(key)) ?? 'relative'
  return chosen
}

/** The chosen form. The component renders again when it changes. */
export function useTimeForm(): TimeForm {
  return useSyncExternalStore(subscribe, chosenForm)
}

/** Chooses a form, and keeps it. */
export function chooseTimeForm(form: TimeForm): void {
  chosen = form
  localStorage.setItem(key, form)
  for (const listener of listeners) listener()
}

/** The next form in which a time has another text than now. `texts` has the text of each form. */
export function nextForm(form: TimeForm, texts: Readonly<Record<TimeForm, string>>): TimeForm {
  const place = order.indexOf(form)
  const others = [...order.slice(place + 1), ...order.slice(0, place)]
  return others.find((other) => texts[other] !== texts[form]) ?? form
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
