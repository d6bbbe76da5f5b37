import type { AnswerBudget } from '../../limits/answer-budget.ts'
import type { Context } from '../context.ts'

/** Reads documents for the rows of a subscription. They hold room until the rows have been handed on. */
export async function readDocuments<Found extends { readonly bytes: number }>(
  context: Pick<Context, 'newAnswer' | 'deps'>,
  find: (maxBytes: number) => Promise<Found>,
): Promise<Found> {
  const answer = context.newAnswer()
  try {
    const found = await answer.read(find)
    await answer.pass()
    return found
  } finally {
    releaseAnswer(context, answer)
  }
}

/**
 * Returns the room of what was read for an event: of little at once, of much at the end of this turn. By then it has
 * been executed, printed and given to the connections that are ready, where it is counted until it has been sent.
 * `forget` then drops what was kept of it.
 */
export function releaseAnswer(
  { deps }: Pick<Context, 'deps'>,
  answer: AnswerBudget,
  forget: () => void = () => {},
): void {
  if (!answer.isLarge) {
    answer.release()
    return
  }
  void deps.clock.giveWay().then(() => {
    forget()
    answer.release()
  })
}
