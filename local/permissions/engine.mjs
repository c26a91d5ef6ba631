// Evaluates requests with iam-simulate: a JSON array of simulations a line, a JSON array of decisions back.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const matched = (analysis, where) =>
  (analysis ? [...analysis.allowStatements, ...analysis.denyStatements] : []).map((item) => ({
    policy: item.policyId ?? where,
    statement: item.explain.identifier,
    effect: item.explain.effect
  }))

async function decide(simulation) {
  const answer = await runSimulation(simulation, {})
  if (answer.resultType !== 'single') return { error: answer.errors ?? answer.resultType }
  const { analysis } = answer.result
  return {
    result: analysis.result,
    statements: [
      ...matched(analysis.identityAnalysis, 'identity'),
      ...matched(analysis.resourceAnalysis, 'resource'),
      ...matched(analysis.permissionBoundaryAnalysis, 'boundary')
    ]
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const decisions = []
  for (const simulation of JSON.parse(line)) decisions.push(await decide(simulation))
  process.stdout.write(JSON.stringify(decisions) + '\n')
}
