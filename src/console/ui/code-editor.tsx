import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { lintKeymap } from '@codemirror/lint'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { EditorView, keymap, placeholder as placeholderOf } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useMemo, useRef, useState } from 'react'
import { classes } from './classes.ts'
import styles from './code-editor.module.css'
import type { ControlProps } from './field.tsx'

/** The nonce with which the content security policy allows styles. CodeMirror creates styles at runtime. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''

/** The colours of the tokens. */
export const highlighting = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.propertyName, tags.variableName], color: 'var(--accent)' },
    { tag: tags.string, color: 'var(--succeeded)' },
    { tag: [tags.number, tags.bool, tags.null], color: 'var(--running)' },
    { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--ink)', fontWeight: '650' },
    { tag: [tags.invalid], color: 'var(--failed)' },
  ]),
)

/** The styles of the console for CodeMirror. The colours follow the theme. */
export const look = EditorView.theme({
  '&': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--ink)', padding: '0.4rem 0' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection': {
    backgroundColor: 'var(--accent-soft) !important',
  },
  '.cm-placeholder': { color: 'var(--ink-muted)' },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: 'var(--radius)',
    backgroundColor: 'var(--raised)',
    color: 'var(--ink)',
    boxShadow: 'var(--shadow)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--failed)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)' },
  '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'transparent' },
})

/**
 * Replaces selected text by typed text. Left to Chromium, the new text would keep the colours of the replaced text as an
 * inline style, which the content security policy refuses.
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { inputType, data, isComposing } = event
    if (inputType !== 'insertText' || !data || isComposing || view.state.selection.main.empty) return false
    view.dispatch(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true })
    return true
  },
})

/** The props of an editor except its text. */
export type CodeEditorProps = Partial<ControlProps> & {
  /** Names the editor for screen readers, because a `<label>` cannot. */
  readonly label: string
  readonly value: string
  readonly onChange?: (value: string) => void
  readonly readOnly?: boolean
  readonly placeholder?: string
  /** Language, completion, checks. Compare equal (`useMemo`, or a constant outside) unless they change. */
  readonly extensions?: readonly Extension[]
  /** Called once with the view, for actions that only the view offers. */
  readonly onView?: (view: EditorView) => void
}

/** A text editor with highlighting, by CodeMirror. Tab moves to the next control and does not indent. */
export function CodeEditor({
  id,
  label,
  value,
  onChange,
  readOnly = false,
  placeholder = '',
  extensions = none,
  onView,
  'aria-describedby': describedBy,
  'aria-invalid': invalid,
}: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const latest = useRef({ onChange, onView, value })
  useEffect(() => {
    latest.current = { onChange, onView, value }
  })
  const [changing] = useState(() => ({ given: new Compartment(), attributes: new Compartment() }))
  const attributes = useMemo(
    () =>
      EditorView.contentAttributes.of({
        'aria-label': label,
        ...(id === undefined ? {} : { id }),
        ...(describedBy === undefined ? {} : { 'aria-describedby': describedBy }),
        ...(invalid ? { 'aria-invalid': 'true' } : {}),
        ...(readOnly ? { 'aria-readonly': 'true', tabindex: '0' } : {}),
      }),
    [id, label, describedBy, invalid, readOnly],
  )
  const first = useRef({ attributes, extensions })

  useEffect(() => {
    if (place.current === null) return
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          history(),
          keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          bracketMatching(),
          typeOver,
          highlighting,
          look,
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorView.editable.of(!readOnly),
          placeholderOf(placeholder),
          changing.given.of([...first.current.extensions]),
          changing.attributes.of(first.current.attributes),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) latest.current.onChange?.(state.doc.toString())
          }),
        ],
      }),
    })
    view.current = editor
    latest.current.onView?.(editor)
    return () => editor.destroy()
  }, [changing, placeholder, readOnly])

  useEffect(() => {
    view.current?.dispatch({ effects: changing.attributes.reconfigure(attributes) })
  }, [changing, attributes])
  useEffect(() => {
    view.current?.dispatch({ effects: changing.given.reconfigure([...extensions]) })
  }, [changing, extensions])
  useEffect(() => {
    const editor = view.current
    if (editor === undefined || editor.state.doc.toString() === value) return
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } })
  }, [value])

  return <div ref={place} className={classes(styles.editor, invalid && styles.invalid, readOnly && styles.readOnly)} />
}

const none: readonly Extension[] = []
