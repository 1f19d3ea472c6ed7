type Table = Readonly<Record<string, unknown>>

/** The file of logins with one more, whatever else is in it. */
export function withLogin(file: Table, key: string, username: string, password: string): Table {
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  return { ...file, auths: { ...tableOf(file['auths']), [key]: { auth } } }
}

/** The file without a login; undefined if it had none under this key. */
export function withoutLogin(file: Table, key: string): Table | undefined {
  const auths = tableOf(file['auths'])
  if (!Object.hasOwn(auths, key)) return undefined
  return { ...file, auths: Object.fromEntries(Object.entries(auths).filter(([one]) => one !== key)) }
}

/** The program that keeps the logins for a key, by the file. */
export function helperFor(file: Table, key: string): string | undefined {
  const own = tableOf(file['credHelpers'])[key]
  if (typeof own === 'string' && own !== '') return own
  const store = file['credsStore']
  return typeof store === 'string' && store !== '' ? store : undefined
}

/** Every program that the file names. */
export function helpersOf(file: Table): readonly string[] {
  const all = [...Object.values(tableOf(file['credHelpers'])), file['credsStore']]
  return [...new Set(all.filter((one): one is string => typeof one === 'string' && one !== ''))]
}

function tableOf(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {}
}
