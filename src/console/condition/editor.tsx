import { autocompletion, type Completion, type CompletionContext, startCompletion } from '@codemirror/autocomplete'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { setDiagnostics } from '@codemirror/lint'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useMemo, useState } from 'react'
import { useKeys } from '../keys/use-keys.ts'
import { CodeEditor, type CodeEditorProps } from '../ui/code-editor.tsx'
import { completionsAt } from './completion.ts'
import type { Option } from './completion-options.ts'
import { type ConditionFault, characterAt, offsetOf } from './fault.ts'
import { conditionLanguage } from './language.ts'
import { tokensOf } from './tokens.ts'
import { usePaths } from './use-paths.ts'

/** The props in addition to those of every editor. */
export type ConditionEditorProps = Omit<CodeEditorProps, 'onView' | 'readOnly'> & {
  /** The fault that the hub found in the condition. It is underlined, with its message as a tooltip. */
  readonly fault: ConditionFault | undefined
  /** Whether Enter accepts the first suggestion although the user has selected none. */
  readonly choosesFirst?: boolean
}

/**
 * An editor for conditions, with colours, completion from the tags and properties of the fleet, and the fault
 * underlined.
 */
export function ConditionEditor({
  fault,
  choosesFirst = true,
  extensions: more = none,
  placeholder = "tags.site = 'north'",
  ...control
}: ConditionEditorProps) {
  const [view, setView] = useState<EditorView>()
  const pathsFor = usePaths()
  useKeys({}, ['suggest'])
  const extensions = useMemo(() => {
    const complete = async ({ state, pos, explicit }: CompletionContext) => {
      const text = state.doc.toString()
      const typed = tokensOf(text.slice(0, pos)).at(-1)?.text ?? ''
      const found = completionsAt(text, pos, await pathsFor(typed), explicit)
      return found === undefined ? null : { from: found.from, to: found.to, options: found.options.map(completionOf) }
    }
    const completion = autocompletion({ override: [complete], icons: false, selectOnOpen: choosesFirst })
    return [conditionLanguage, completion, conditionLook, ...more]
  }, [pathsFor, choosesFirst, more])

  useEffect(() => {
    if (view === undefined) return
    const text = view.state.doc.toString()
    const place = fault && characterAt(text, offsetOf(text, fault))
    const diagnostics = fault && place ? [{ ...place, severity: 'error' as const, message: fault.message }] : []
    view.dispatch(setDiagnostics(view.state, diagnostics))
  }, [view, fault])

  return <CodeEditor {...control} placeholder={placeholder} extensions={extensions} onView={setView} />
}

const none: readonly Extension[] = []

/** A suggestion in CodeMirror's form. After one that ends with an opening bracket, completion opens again at once. */
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

/**
 * Styles of the list of suggestions and of the fault. The fault has a coloured background, because it may be a single
 * character.
 */
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
