/** The pages with lists whose filters can be saved. */
export const listPages = ['jobs', 'devices', 'audit'] as const
export type ListPage = (typeof listPages)[number]

/** A name for the filters, the order and the columns of a list. */
export type SavedView = {
  readonly page: ListPage
  /** Unique for its page. */
  readonly name: string
  /** The query of the address, without the question mark. */
  readonly search: string
}

/** The most characters of a name. */
export const longestName = 60

/** Reads what is stored. Anything that is not a view is ignored. */
export function readViews(text: string | null): readonly SavedView[] {
  const views: SavedView[] = []
  for (const one of parsed(text)) {
    const view = asView(one)
    if (view !== undefined && findView(views, view) === undefined) views.push(view)
  }
  return views
}

/** The view of a page with a name. */
export function findView(
  views: readonly SavedView[],
  { page, name }: Pick<SavedView, 'page' | 'name'>,
): SavedView | undefined {
  return views.find((view) => view.page === page && view.name === name)
}

/** Adds a view. It replaces the one with its name. */
export function withView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  const known = findView(views, view)
  return known === undefined ? [...views, view] : views.map((one) => (one === known ? view : one))
}

/** Removes a view. */
export function withoutView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  return views.filter(({ page, name }) => page !== view.page || name !== view.name)
}

/** Gives a view another name, at its place. */
export function renamed(views: readonly SavedView[], view: SavedView, name: string): readonly SavedView[] {
  return views.map((one) => (one.page === view.page && one.name === view.name ? { ...one, name } : one))
}

/** What is wrong with a name, as a sentence; undefined for one that can be given. */
export function problemOf(name: string): string | undefined {
  if (name.trim() === '') return 'Enter a name.'
  return name.trim().length > longestName ? `A name has at most ${longestName} characters.` : undefined
}

function parsed(text: string | null): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

function asView(value: unknown): SavedView | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const read = (key: string): unknown => Reflect.get(value, key)
  const page = listPages.find((one) => one === read('page'))
  const [name, search] = [read('name'), read('search')]
  if (page === undefined || typeof name !== 'string' || typeof search !== 'string') return undefined
  return problemOf(name) === undefined ? { page, name, search } : undefined
}
