/** Gives the focus to the first field in a form that has a problem, by its name, and opens what it is folded into. */
export function focusFirst(form: HTMLElement | null, problems: object): void {
  const names = new Set(Object.keys(problems))
  const fields = [...(form?.querySelectorAll<HTMLElement>('[data-field]') ?? [])]
  const field = fields.find(({ dataset }) => names.has(dataset.field ?? ''))
  const control = field?.querySelector<HTMLElement>('input, select, textarea, [contenteditable="true"]')
  control?.closest('details')?.setAttribute('open', '')
  control?.focus()
  control?.scrollIntoView({ block: 'nearest' })
}
