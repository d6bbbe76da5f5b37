import type { Draft } from './draft.ts'
import type { Problems } from './problems.ts'

/** The props of every step of the form. */
export type StepProps = {
  readonly draft: Draft
  readonly problems: Problems
  readonly change: (part: Partial<Draft>) => void
}
