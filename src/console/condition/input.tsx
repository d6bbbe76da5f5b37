import { closeCompletion } from '@codemirror/autocomplete'
import { EditorState, type Extension, Prec, type Text } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useMemo, useRef } from 'react'
import { ConditionEditor, type ConditionEditorProps } from './editor.tsx'

/**
 * A condition on one line. Enter calls `onSubmit`, and `onLeave` is called when the input loses the focus. The field
 * around it shows the message of `fault`.
 */
export function ConditionInput({
  onSubmit,
  onLeave,
  ...props
}: Omit<ConditionEditorProps, 'extensions' | 'choosesFirst'> & {
  readonly onSubmit: () => void
  readonly onLeave?: () => void
}) {
  const latest = useRef({ onSubmit, onLeave })
  useEffect(() => {
    latest.current = { onSubmit, onLeave }
  })
  const extensions = useMemo<readonly Extension[]>(
    () => [
      Prec.high(
        keymap.of([
          {
            key: 'Enter',
            run(editor) {
              closeCompletion(editor)
              latest.current.onSubmit()
              return true
            },
          },
        ]),
      ),
      EditorView.domEventHandlers({ blur: () => latest.current.onLeave?.() }),
      oneLine,
      lineLook,
    ],
    [],
  )
  // No suggestion is preselected: Enter submits unless the user has selected one.
  return <ConditionEditor {...props} extensions={extensions} choosesFirst={false} />
}

/** Line breaks, such as those of a pasted text, become spaces. */
const oneLine = EditorState.transactionFilter.of((transaction) =>
  transaction.docChanged && transaction.newDoc.lines > 1
    ? [transaction, { changes: breaksIn(transaction.newDoc), sequential: true }]
    : transaction,
)

function breaksIn(text: Text): { from: number; to: number; insert: string }[] {
  const found: { from: number; to: number; insert: string }[] = []
  for (let line = 1; line < text.lines; line++) {
    const { to } = text.line(line)
    found.push({ from: to, to: to + 1, insert: ' ' })
  }
  return found
}

/** As high and as wide as other controls. A long text wraps to a few lines. */
const lineLook = EditorView.theme({
  // Takes precedence over the padding of all editors.
  '.cm-scroller > .cm-content': { padding: 'calc((var(--control) - 2px - 1.5em) / 2) 0' },
  '.cm-scroller': { maxHeight: '9rem' },
})
