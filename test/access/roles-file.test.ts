import { expect, test } from 'vitest'
import { builtInTable } from '../../src/access/roles.ts'
import { maxRoles, parseRoles, RolesFileError } from '../../src/access/roles-file.ts'

const read = (file: unknown) => parseRoles(JSON.stringify(file))

function problemsOf(text: string): readonly string[] {
  try {
    parseRoles(text)
  } catch (error) {
    if (error instanceof RolesFileError) return error.problems
    throw error
  }
  return []
}

test('a role has its own rights and condition, and those of the roles that it extends', () => {
  const table = read({
    'north-operators': { extends: ['operator', 'auditors'], devices: "tags.site = 'north'" },
    auditors: { rights: ['auditRead'], devices: 'FROM devices WHERE tags.floor > 2' },
    'North pumps': { extends: 'north-operators', devices: "tags.kind = 'pump'" },
    everybody: {},
  })
  expect([...table.keys()]).toEqual([...builtInTable.keys(), 'north-operators', 'auditors', 'North pumps', 'everybody'])
  expect(table.get('north-operators')?.rights).toEqual(
    new Set([...(builtInTable.get('operator')?.rights ?? []), 'auditRead']),
  )
  expect(table.get('north-operators')?.condition).toBe("(tags.site = 'north') AND (tags.floor > 2)")
  expect(table.get('North pumps')?.condition).toBe(
    "((tags.kind = 'pump') AND (tags.site = 'north')) AND (tags.floor > 2)",
  )
  expect(table.get('North pumps')?.rights).toEqual(table.get('north-operators')?.rights)
  expect(table.get('everybody')).toEqual({ rights: new Set(), condition: '*' })
})

test('a condition that is inherited on two ways counts once', () => {
  const table = read({
    a: { devices: 'tags.a = 1' },
    b: { extends: 'a' },
    c: { extends: 'a', devices: '*' },
    d: { extends: ['b', 'c'], devices: 'tags.a = 1' },
  })
  expect(table.get('d')?.condition).toBe('tags.a = 1')
})

test('all mistakes are listed at once, each with its place', () => {
  const problems = problemsOf(
    JSON.stringify({
      admin: { extends: 'viewer' },
      ' x': {},
      list: [],
      self: { extends: 'self' },
      one: { extends: 'two' },
      two: { extends: ['three', 'viewer'] },
      three: { extends: 'one' },
      lost: { extends: ['operators', 7] },
      rights: { rights: ['readTwins', 'root', 1] },
      text: { rights: 'readTwins' },
      member: { scope: '*', device: 1 },
      bad: { devices: 'tags.site = ' },
      number: { devices: 5 },
    }),
  )
  expect(problems).toEqual([
    'admin: This role is built in and cannot be changed. Use another name that extends it.',
    '" x": A role name must have 1 to 128 characters, without control characters.',
    'list: A role must be an object.',
    'lost.extends: It must be the name of a role, or a list of names.',
    expect.stringMatching(/^rights.rights: "root" is not a right. Rights are readDevices, /),
    expect.stringMatching(/^rights.rights: 1 is not a right/),
    'text.rights: It must be a list of rights.',
    'member.scope: This member is unknown. A role may have extends, devices, rights.',
    'member.device: This member is unknown. A role may have extends, devices, rights.',
    expect.stringMatching(/^bad.devices: .*\(line 1, column 13\)$/),
    `number.devices: It must be a condition, such as "tags.site = 'north'".`,
    'self.extends: The role extends itself: self → self.',
    'one.extends: The role extends itself: one → two → three → one.',
    'two.extends: The role extends itself: two → three → one → two.',
    'three.extends: The role extends itself: three → one → two → three.',
    'lost.extends: There is no role "operators".',
  ])
})

test.each([
  ['no JSON', '{', /^The file must contain JSON: /],
  ['a list', '[]', /^The file must contain an object/],
  ['null', 'null', /^The file must contain an object/],
  [
    'too many roles',
    JSON.stringify(Object.fromEntries(Array.from({ length: maxRoles + 1 }, (_, at) => [`r${at}`, {}]))),
    /^The file has 1001 roles. At most 1000 are allowed.$/,
  ],
])('a file that is %s is refused', (_case, text, problem) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(problem)])
})

test('a name that every object has is no role', () => {
  expect(problemsOf('{"a":{"extends":"constructor"},"b":{"extends":"__proto__"}}')).toEqual([
    'a.extends: There is no role "constructor".',
    'b.extends: There is no role "__proto__".',
  ])
})

test('a condition that becomes too long by what it inherits is refused at its role', () => {
  const long = (letter: string) => Array.from({ length: 60 }, (_, at) => `tags.${letter}${at} = 1`).join(' AND ')
  const roles = Object.fromEntries(
    Array.from({ length: 26 }, (_, at) => {
      const letter = String.fromCharCode(97 + at)
      return [letter, { devices: long(letter), ...(at > 0 && { extends: String.fromCharCode(96 + at) }) }]
    }),
  )
  const problems = problemsOf(JSON.stringify(roles))
  expect(problems[0]).toMatch(/^[b-z]\.devices: .* \(line \d+, column \d+\)$/)
})
