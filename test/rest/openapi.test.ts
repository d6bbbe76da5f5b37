import { expect, test } from 'vitest'
import { openApiDocument } from '../../src/rest/openapi.ts'
import { restPaths, routes } from '../../src/rest/router.ts'
import { openDoor } from './door.ts'

// biome-ignore lint/suspicious/noExplicitAny: a document of many shapes, taken apart below
const document: any = openApiDocument(routes)

test('every route of the door stands in the document, and nothing else', () => {
  const described = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((verb) => `${verb.toUpperCase()} ${path}`),
  )
  expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
})

test('no two operations have one name, and each path parameter is described', () => {
  const names = routes.map(({ operationId }) => operationId)
  expect(new Set(names).size).toBe(names.length)
  for (const { method, path } of routes) {
    const { parameters } = document.paths[path][method.toLowerCase()]
    const inPath = parameters.filter((parameter: { in?: string }) => parameter.in === 'path')
    expect(inPath.map(({ name }: { name: string }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
  }
})

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
  expect(references.length).toBeGreaterThan(20)
  for (const path of references) {
    const target = path.split('/').reduce((value, part) => value?.[part], document)
    expect([path, target]).toEqual([path, expect.any(Object)])
  }
})

test('all paths lie below those that are mounted, and so does what IoT Hub has and this hub has not', () => {
  const present = ['/devices', '/jobs', '/openapi.json', '/statistics', '/twins']
  expect([...restPaths].sort()).toEqual([...present, '/configurations', '/digitaltwins', '/messages'].sort())
})

test('anyone may read it, without a token or an api-version', async () => {
  const door = await openDoor()
  try {
    const { status, body, headers } = await door.ask('GET /openapi.json?', { token: null })
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
    expect(body).toEqual(JSON.parse(JSON.stringify(document)))
  } finally {
    await door.close()
  }
})
