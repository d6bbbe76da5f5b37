import { json } from '@codemirror/lang-json'
import { syntaxTree } from '@codemirror/language'
import { type Diagnostic, linter } from '@codemirror/lint'
import type { EditorView } from '@codemirror/view'
import { CodeEditor, type CodeEditorProps } from './code-editor.tsx'
import { parseJson } from './json-text.ts'

/** Marks the first place where the text is not JSON. */
function check({ state }: EditorView): readonly Diagnostic[] {
  const read = parseJson(state.doc.toString())
  if (!('problem' in read)) return []
  let at: number | undefined
  syntaxTree(state).iterate({
    enter({ type, from }) {
      if (type.isError) at ??= from
      return at === undefined
    },
  })
  // Under a visible character: the one at the place, or the last one before it.
  const text = state.doc.toString()
  const place = at ?? text.length
  const seen = /\S/.test(text.charAt(place)) ? place : text.slice(0, place).trimEnd().length - 1
  const from = Math.max(0, seen)
  return [{ from, to: Math.min(text.length, from + 1), severity: 'error', message: read.problem }]
}

const extensions = [json(), linter(check, { delay: 250 })]

/** An editor for JSON; what does not parse is underlined. `parseJson` reads its text. */
export function JsonEditor(props: Omit<CodeEditorProps, 'extensions'>) {
  return <CodeEditor {...props} extensions={extensions} />
}
