// Works through the simulator with Meta's SDK for Node.js and prints what it saw as one JSON object.
// Usage: node client.cjs BASE_URL ACCOUNT TOKEN SAMPLES, where SAMPLES is a JSON object with targeting, story, picture and pixel.
"use strict";

const sdk = require("facebook-nodejs-business-sdk");

const [base, accountId, token, samplesText] = process.argv.slice(2);
const samples = JSON.parse(samplesText);
for (const host of ["GRAPH", "GRAPH_VIDEO"]) {
  Object.defineProperty(sdk.FacebookAdsApi, host, { get: () => base });
}
const api = new sdk.FacebookAdsApi(token, "en_US", false);
sdk.FacebookAdsApi.setDefaultApi(api);
const account = new sdk.AdAccount(accountId);

const campaignParams = (name, more = {}) => ({
  name,
  objective: "OUTCOME_SALES",
  status: "PAUSED",
  special_ad_categories: [],
  is_adset_budget_sharing_enabled: false,
  ...more,
});

const adSetParams = (campaign, more = {}) => ({
  name: "Set",
  campaign_id: campaign.id,
  lifetime_budget: 5000,
  end_time: samples.end_time,
  billing_event: "IMPRESSIONS",
  bid_strategy: "LOWEST_COST_WITHOUT_CAP",
  optimization_goal: "OFFSITE_CONVERSIONS",
  promoted_object: { pixel_id: samples.pixel, custom_event_type: "PURCHASE" },
  targeting: samples.targeting,
  status: "ACTIVE",
  ...more,
});

const advance = (seconds) =>
  fetch(`${base}/_sim/clock`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ advance_seconds: seconds }),
  });

const refusal = async (attempt) => {
  try {
    await attempt();
  } catch (error) {
    return { name: error.name, status: error.status, ...error.response };
  }
  return null;
};

async function build() {
  const image = await account.createAdImage([], { bytes: samples.picture, name: "a.png" });
  const hash = Object.values(image._data.images)[0].hash;
  const campaign = await account.createCampaign([], campaignParams("Shoes"));
  const adSet = await account.createAdSet([], adSetParams(campaign));
  const story = structuredClone(samples.story);
  story.object_story_spec.link_data.image_hash = hash;
  const creative = await account.createAdCreative([], { name: "A", ...story });
  const ad = await account.createAd([], {
    name: "Ad A",
    adset_id: adSet.id,
    creative: { creative_id: creative.id },
    conversion_domain: "shop.example",
    status: "ACTIVE",
  });
  return { campaign, adSet, creative, ad };
}

async function readAndUpdate({ campaign, adSet }) {
  await new sdk.Campaign(campaign.id).update([], { name: "Renamed", status: "ACTIVE" });
  const read = await new sdk.Campaign(campaign.id).get(["name", "status", "effective_status"]);
  const set = await new sdk.AdSet(adSet.id).get(["lifetime_budget", "campaign{name}"]);
  return { name: read.name, status: read.status, budget: set.lifetime_budget, parent: set._data.campaign.name };
}

async function pages() {
  for (const number of [1, 2, 3, 4]) {
    await account.createCampaign([], campaignParams(`Paged ${number}`));
  }
  let page = await account.getCampaigns(["name"], { limit: 2 });
  const seen = [];
  for (;;) {
    seen.push(page.map((campaign) => campaign.name));
    if (!page.hasNext()) break;
    page = await page.next();
  }
  const back = await page.previous();
  return { seen, back: back.map((campaign) => campaign.name) };
}

async function insights({ ad }) {
  await advance(30 * 3600);
  const fields = ["ad_id", "spend", "impressions", "purchase_roas"];
  const direct = await account.getInsights(fields, { level: "ad", date_preset: "maximum" });
  const report = await account.getInsightsAsync(fields, { level: "ad", date_preset: "maximum" });
  let status;
  do {
    await advance(60);
    status = await report.get(["id", "async_status", "async_percent_completion"]);
  } while (!["Job Completed", "Job Failed", "Job Skipped"].includes(status.async_status));
  const later = await report.getInsights(fields);
  return { ad: ad.id, direct: direct[0]._data, status: status.async_status, later: later[0]._data, rows: direct.length };
}

async function batch({ campaign, adSet }) {
  const seen = [];
  const calls = new sdk.FacebookAdsApiBatch(
    api,
    (response) => seen.push({ ok: true, body: response.body }),
    (response) => seen.push({ ok: false, body: response.body }),
  );
  const note = (ok) => (response) => seen.push({ ok, body: response.body });
  calls.add("GET", [campaign.id], { fields: "name" }, undefined, note(true), note(false));
  calls.add("GET", [adSet.id], { fields: "name" }, undefined, note(true), note(false));
  calls.add("GET", ["999"], { fields: "name" }, undefined, note(true), note(false));
  const again = await calls.execute();
  return { seen, again };
}

async function refusals({ campaign }) {
  return {
    unknownField: await refusal(() => new sdk.Campaign(campaign.id).get(["nonsense"])),
    missingFlag: await refusal(() =>
      account.createAdSet([], adSetParams(campaign, { end_time: samples.later, lifetime_budget: 500000, targeting: { geo_locations: { countries: ["ES"] }, age_min: 30 } })),
    ),
    removedIds: await refusal(() => sdk.Campaign.getByIds([campaign.id], ["name"])),
    wrongToken: await refusal(() =>
      new sdk.Campaign(campaign.id, {}, undefined, new sdk.FacebookAdsApi("nobody", "en_US", false)).get(["name"]),
    ),
  };
}

async function copyAndDelete({ campaign }) {
  const copied = await new sdk.Campaign(campaign.id).createCopy([], { deep_copy: false, status_option: "PAUSED" });
  const copy = new sdk.Campaign(copied.copied_campaign_id ?? copied._data.copied_campaign_id);
  const before = (await copy.get(["status"])).status;
  await copy.delete();
  const after = (await copy.get(["effective_status"])).effective_status;
  const listed = await account.getCampaigns(["name"], { limit: 50 });
  return { before, after, listed: listed.some((each) => each.id === copy.id) };
}

async function main() {
  const built = await build();
  const result = { sdk: sdk.FacebookAdsApi.VERSION, ids: {} };
  for (const [kind, object] of Object.entries(built)) result.ids[kind] = object.id;
  result.updated = await readAndUpdate(built);
  result.pages = await pages();
  result.insights = await insights(built);
  result.batch = await batch(built);
  result.refusals = await refusals(built);
  result.deleted = await copyAndDelete(built);
  process.stdout.write(JSON.stringify(result));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n${JSON.stringify(error.response ?? null)}\n`);
  process.exitCode = 1;
});
