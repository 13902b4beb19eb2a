"""What Django's database layer lacks, without SCIM: fields, compiled queries, memberships."""
