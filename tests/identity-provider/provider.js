// A real identity provider for the tests: oidc-provider, whose sign-in page takes any password. It reads its
// configuration as JSON from its only argument, and prints its address.
//
// What no honest provider does, it does when a test asks for it: POST /control with a JSON object
//   {"forward_s": 700}                          its clock goes forward
//   {"claims": {"nonce": "another"}}            the next ID tokens have these claims, signed with its key
//   {"rotate": true}                            it signs with a new key, and publishes only that one
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, decodeJwt, importJWK } from "jose";
import { Provider } from "oidc-provider";

const { redirect, accounts, claims_in_id_token } = JSON.parse(process.argv[2]);

const newKey = async (kid) => {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" };
};

let ahead = 0;
const now = Date.now;
Date.now = () => now() + ahead;
let claims = {};
let key = await newKey("first");

const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const make = () => {
  const provider = new Provider(issuer, {
    clients: [
      { client_id: "spillway", client_secret: "a secret of the tests", redirect_uris: [redirect] },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["a key of the tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups"] },
    // Providers differ: some give claims in the ID token, others only by their userinfo endpoint.
    conformIdTokenClaims: !claims_in_id_token,
    findAccount: (_, id) =>
      id in accounts ? { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) } : undefined,
    // Nobody is asked whether the dashboard may know who they are.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === "token" && ctx.body?.id_token && Object.keys(claims).length > 0) {
      const changed = { ...decodeJwt(ctx.body.id_token), ...claims };
      ctx.body.id_token = await new SignJWT(changed)
        .setProtectedHeader({ alg: "RS256", kid: key.kid })
        .sign(await importJWK(key, "RS256"));
    }
  });
  return provider;
};

let provider = make().callback();
const control = async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const asked = JSON.parse(text);
  ahead += (asked.forward_s ?? 0) * 1000;
  claims = asked.claims ?? claims;
  if (asked.rotate) {
    key = await newKey("second");
    provider = make().callback();
  }
  response.end();
};
const answer = (request, response) =>
  request.url === "/control" ? control(request, response) : provider(request, response);
console.log(issuer);
