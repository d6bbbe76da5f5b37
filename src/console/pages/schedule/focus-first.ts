import type { Problems } from './problems.ts'

/** Gives the focus to the first field of the page that has a problem, and opens what it is folded into. */
export function focusFirst(form: HTMLElement | null, problems: Problems): void {
  const names = new Set(Object.keys(problems))
  const fields = [...(form?.querySelectorAll<HTMLElement>('[data-field]') ?? [])]
  const field = fields.find(({ dataset }) => names.has(dataset.field ?? ''))
  const control = field?.querySelector<HTMLElement>('input, select, textarea, [contenteditable="true"]')
  control?.closest('details')?.setAttribute('open', '')
  control?.focus()
  control?.scrollIntoView({ block: 'nearest' })
}
