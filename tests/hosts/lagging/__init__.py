"""The smallest host there is: the apps, the URLs, and not one setting of SCIM's."""
