// Calls the sandbox with Klaviyo's Node SDK, and prints each operation's status as JSON.
import { AccountsApi, ApiKeySession, CatalogsApi, ListsApi, ProfilesApi } from "klaviyo-api";

const { url, key, listId, bodies } = JSON.parse(process.argv[2], (_, value) =>
  value?.constructor === Object ? withModelNames(value) : value,
);
const session = new ApiKeySession(key);
const [accounts, catalogs, lists, profiles] = [AccountsApi, CatalogsApi, ListsApi, ProfilesApi].map(
  (Api) => Object.assign(new Api(session), { basePath: url }),
);

// The SDK's models have names in camel case, such as phoneNumber for phone_number.
function withModelNames(object) {
  const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [camelCase(name), value]));
}

const calls = {
  get_accounts: () => accounts.getAccounts(),
  get_list: () => lists.getList(listId),
  create_catalog_item: () => catalogs.createCatalogItem(bodies.item),
  create_catalog_variant: () => catalogs.createCatalogVariant(bodies.variant),
  get_catalog_variants: () => catalogs.getCatalogVariants(),
  create_back_in_stock_subscription: () => catalogs.createBackInStockSubscription(bodies.signUp),
  bulk_subscribe_profiles: () => profiles.bulkSubscribeProfiles(bodies.subscribe),
  update_catalog_variant: () =>
    catalogs.updateCatalogVariant(bodies.restock.data.id, bodies.restock),
};

const statuses = {};
for (const [name, call] of Object.entries(calls)) {
  try {
    statuses[name] = (await call()).response.status;
  } catch (error) {
    statuses[name] = error.response?.data ?? String(error);
  }
}
console.log(JSON.stringify(statuses));
