import { autocompletion, type Completion, type CompletionContext, startCompletion } from '@codemirror/autocomplete'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { setDiagnostics } from '@codemirror/lint'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useMemo, useState } from 'react'
import { CodeEditor } from '../../ui/code-editor.tsx'
import type { ControlProps } from '../../ui/field.tsx'
import { completionsAt } from './completion.ts'
import type { Option } from './completion-options.ts'
import { conditionLanguage } from './condition-language.ts'
import { tokensOf } from './condition-tokens.ts'
import { characterAt, offsetOf } from './problems.ts'
import type { MatchFailure } from './use-matching.ts'
import { usePaths } from './use-paths.ts'

/** The list of what could come next, and the fault: of one character its ground has to be seen, too. */
const conditionLook = [
  syntaxHighlighting(HighlightStyle.define([{ tag: tags.comment, color: 'var(--ink-muted)' }])),
  EditorView.theme({
    '.cm-tooltip.cm-tooltip-autocomplete > ul': { maxHeight: '14.5rem', fontFamily: 'var(--mono)' },
    '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '0.15rem 0.5rem', lineHeight: '1.4' },
    '.cm-lintRange-error': { borderRadius: '2px', backgroundColor: 'var(--failed-soft)' },
    '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
    '.cm-completionDetail': { marginLeft: '1rem', fontStyle: 'normal', color: 'var(--ink-muted)' },
    '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  }),
]

/** An editor for conditions: colours, completion, and a line under the character at which the hub stumbled. */
export function ConditionEditor({
  value,
  onChange,
  failure,
  ...control
}: ControlProps & {
  readonly value: string
  readonly onChange: (value: string) => void
  readonly failure: MatchFailure | undefined
}) {
  const [view, setView] = useState<EditorView>()
  const pathsFor = usePaths()
  const extensions = useMemo(() => {
    const complete = async ({ state, pos, explicit }: CompletionContext) => {
      const text = state.doc.toString()
      const typed = tokensOf(text.slice(0, pos)).at(-1)?.text ?? ''
      const found = completionsAt(text, pos, await pathsFor(typed), explicit)
      return found === undefined ? null : { from: found.from, to: found.to, options: found.options.map(completionOf) }
    }
    return [conditionLanguage, autocompletion({ override: [complete], icons: false }), conditionLook]
  }, [pathsFor])

  useEffect(() => {
    if (view === undefined) return
    const text = view.state.doc.toString()
    const place = failure?.place && characterAt(text, offsetOf(text, failure.place))
    const diagnostics = failure && place ? [{ ...place, severity: 'error' as const, message: failure.message }] : []
    view.dispatch(setDiagnostics(view.state, diagnostics))
  }, [view, failure])

  return (
    <CodeEditor
      {...control}
      label="Condition"
      value={value}
      onChange={onChange}
      extensions={extensions}
      placeholder="tags.site = 'north'"
      onView={setView}
    />
  )
}

/** As CodeMirror takes it. Behind an opening bracket one goes on at once, with what may stand in it. */
function completionOf({ label, type, detail, boost }: Option): Completion {
  return {
    label,
    type,
    ...(detail === undefined ? {} : { detail }),
    ...(boost === undefined ? {} : { boost }),
    ...(/[([]$/.test(label)
      ? {
          apply: (view, _completion, from, to) => {
            view.dispatch({ changes: { from, to, insert: label }, selection: { anchor: from + label.length } })
            startCompletion(view)
          },
        }
      : {}),
  }
}
