// vitest-sums.mjs REPORT.json: “passed failed skipped”. A test file that could not even be loaded is one failed test.
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
)
console.log(report.numPassedTests, report.numFailedTests + broken.length, report.numPendingTests + report.numTodoTests)
