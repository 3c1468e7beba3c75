// Convert an OpenAPI document into a Postman collection, and run it with newman.
// Arguments: the folder of the packages, the document, the headers of each operation, the file for the replies.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [packages, documentPath, headersPath, repliesPath] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const { convert } = require("openapi-to-postmanv2");
const newman = require("newman");

const PLACEHOLDER = "string"; // what the converter gives a parameter without an example

const data = readFileSync(documentPath, "utf-8");
const headers = JSON.parse(readFileSync(headersPath, "utf-8"));
const options = { requestParametersResolution: "Example", exampleParametersResolution: "Example" };

function prepare(folder) {
  for (const item of folder.item ?? []) {
    prepare(item);
    if (!item.request) continue;
    const { header, url } = item.request;
    const sent = header.filter((each) => each.value !== PLACEHOLDER);
    url.query = url.query.filter((each) => each.value !== PLACEHOLDER);
    const added = Object.entries(headers[item.name]).map(([key, value]) => ({ key, value }));
    item.request.header = [...sent, ...added];
  }
}

function reply({ item, request, response, requestError }) {
  if (requestError) throw requestError;
  const told = response.headers.members.map(({ key, value }) => [key, value]);
  const sent = { method: request.method, url: request.url.toString() };
  return { ...sent, name: item.name, status: response.code, headers: told, body: response.stream.toString("base64") };
}

convert({ type: "string", data }, options, (error, result) => {
  if (error || !result.result) throw new Error(String(error ?? result.reason));
  const collection = result.output[0].data;
  delete collection.auth; // a header has the token
  prepare(collection);
  newman.run({ collection, ignoreRedirects: true, timeoutRequest: 60000 }, (failed, summary) => {
    if (failed) throw failed;
    const replies = summary.run.executions.map(reply);
    writeFileSync(repliesPath, JSON.stringify(replies));
  });
});
