// The official client of OpenAI for JavaScript against the API: what it read, as JSON.
import OpenAI from "openai";

const [baseURL, apiKey, question] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const ask = { model: "twin", messages: [{ role: "user", content: question }] };

const models = [];
for await (const model of client.models.list()) models.push(model.id);

const plain = await client.chat.completions.create(ask);

let streamed = "";
let finish = null;
let usage = null;
let citations = null;
const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  const choice = chunk.choices[0];
  streamed += choice?.delta?.content ?? "";
  finish = choice?.finish_reason ?? finish;
  citations = choice?.delta?.citations ?? citations;
  usage = chunk.usage ?? usage;
}

const refusals = {};
for (const [name, change] of Object.entries({
  model: { model: "gpt-4" },
  n: { n: 2 },
  response_format: { response_format: { type: "json_object" } },
})) {
  try {
    await client.chat.completions.create({ ...ask, ...change });
  } catch (error) {
    refusals[name] = { status: error.status, kind: error.constructor.name, message: error.message, param: error.param };
  }
}
try {
  await new OpenAI({ baseURL, apiKey: "twin_wrong", maxRetries: 0 }).models.list();
} catch (error) {
  refusals.key = { status: error.status, kind: error.constructor.name, message: error.message };
}

console.log(JSON.stringify({ models, plain, streamed, finish, usage, citations, refusals }));
