import {
  autocompletion,
  type Completion,
  type CompletionContext,
  closeCompletion,
  startCompletion,
} from '@codemirror/autocomplete'
import { setDiagnostics } from '@codemirror/lint'
import { EditorState, type Extension, Prec, type Text } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useMemo, useRef, useState } from 'react'
import { CodeEditor, type CodeEditorProps } from '../../ui/code-editor.tsx'
import { completionsAt, type Option } from '../schedule/completion.ts'
import { conditionLanguage } from '../schedule/condition-language.ts'
import { tokensOf } from '../schedule/condition-tokens.ts'
import { characterAt, offsetOf } from '../schedule/problems.ts'
import { usePaths } from '../schedule/use-paths.ts'
import type { ConditionFault } from './condition-fault.ts'

/**
 * A condition on one line, with completion from the tags and properties of the fleet; Enter is `onSubmit`. `fault` is
 * underlined where it is; its message is for the `error` of the field around.
 */
export function ConditionInput({
  fault,
  onSubmit,
  ...props
}: Omit<CodeEditorProps, 'extensions' | 'onView'> & {
  readonly fault: ConditionFault | undefined
  readonly onSubmit: () => void
}) {
  const pathsFor = usePaths()
  const [view, setView] = useState<EditorView>()
  const submit = useRef(onSubmit)
  useEffect(() => {
    submit.current = onSubmit
  })
  const extensions = useMemo<readonly Extension[]>(() => {
    const complete = async ({ state, pos, explicit }: CompletionContext) => {
      const text = state.doc.toString()
      const typed = tokensOf(text.slice(0, pos)).at(-1)?.text ?? ''
      const found = completionsAt(text, pos, await pathsFor(typed), explicit)
      return found === undefined ? null : { from: found.from, to: found.to, options: found.options.map(completionOf) }
    }
    return [
      conditionLanguage,
      // Nothing is chosen beforehand: Enter searches, unless one went down into the list.
      autocompletion({ override: [complete], icons: false, selectOnOpen: false }),
      Prec.high(
        keymap.of([
          {
            key: 'Enter',
            run(editor) {
              closeCompletion(editor)
              submit.current()
              return true
            },
          },
        ]),
      ),
      oneLine,
      lineLook,
    ]
  }, [pathsFor])

  useEffect(() => {
    if (view === undefined) return
    const text = view.state.doc.toString()
    const place = fault && characterAt(text, offsetOf(text, fault))
    const diagnostics = fault && place ? [{ ...place, severity: 'error' as const, message: fault.message }] : []
    view.dispatch(setDiagnostics(view.state, diagnostics))
  }, [view, fault])

  return <CodeEditor {...props} extensions={extensions} onView={setView} />
}

/** As CodeMirror takes it. Behind an opening bracket one goes on at once, with what may stand in it. */
function completionOf({ label, type, detail, boost }: Option): Completion {
  return {
    label,
    type,
    ...(detail === undefined ? {} : { detail }),
    ...(boost === undefined ? {} : { boost }),
    ...(/[([]$/.test(label) && {
      apply(view: EditorView, _completion: Completion, from: number, to: number) {
        view.dispatch({ changes: { from, to, insert: label }, selection: { anchor: from + label.length } })
        startCompletion(view)
      },
    }),
  }
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

/** As high as other controls. One character has to be seen: its ground, besides the line under it. */
const lineLook = EditorView.theme({
  '.cm-content': { padding: 'calc((var(--control) - 2px - 1.5em) / 2) 0' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '15rem' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '0.2rem 0.5rem' },
  '.cm-completionDetail': { marginLeft: '1rem', color: 'var(--ink-muted)', fontStyle: 'normal' },
  '.cm-tooltip-autocomplete li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  '.cm-lintRange-error': { borderRadius: '2px', backgroundColor: 'var(--failed-soft)' },
})
