import type { Draft } from './draft.ts'
import type { Problems } from './problems.ts'

/** What every step of the form is given. */
export type StepProps = {
  readonly draft: Draft
  readonly problems: Problems
  readonly change: (part: Partial<Draft>) => void
}
