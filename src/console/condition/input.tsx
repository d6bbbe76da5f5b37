import { closeCompletion } from '@codemirror/autocomplete'
import { EditorState, type Extension, Prec, type Text } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useMemo, useRef } from 'react'
import { ConditionEditor, type ConditionEditorProps } from './editor.tsx'

/**
 * A condition on one line: Enter is `onSubmit`, and `onLeave` is called when the focus goes elsewhere. The message of
 * `fault` is shown by the field around it.
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
  // Nothing is preselected: Enter submits, unless a suggestion was selected.
  return <ConditionEditor {...props} extensions={extensions} choosesFirst={false} />
}

/** Line breaks, as they come with a text that is pasted, become blanks. */
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

/** As high as other controls, and as wide: a long text goes on in lines of its own, up to a few. */
const lineLook = EditorView.theme({
  // Before the padding that all editors have.
  '.cm-scroller > .cm-content': { padding: 'calc((var(--control) - 2px - 1.5em) / 2) 0' },
  '.cm-scroller': { maxHeight: '9rem' },
})
